import type { WorkMessage } from '../../ports/ports.ts';

/** The URLs of the queues that a function may send to, by the receiver of the message. */
export type QueueUrls = Partial<Record<WorkMessage['to'], string>>;

/** Returns the receivers that have a queue. */
export function receiversOf(urls: QueueUrls): ReadonlySet<WorkMessage['to']> {
  return new Set(Object.keys(urls) as WorkMessage['to'][]);
}
