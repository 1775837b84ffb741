import type { WorkMessage, WorkQueues } from '../../functions/shared/ports/ports.ts';
import { frozenCopy } from './frozen-copy.ts';

/** Queues that a test empties by hand. */
export interface RecordingQueues extends WorkQueues {
  /** Returns all messages that were ever sent, in order. */
  sent(): WorkMessage[];
  /** Removes and returns the waiting messages, oldest first. With `to`, only those to this receiver. */
  take(to?: WorkMessage['to']): WorkMessage[];
}

/** Keeps messages until a test takes them. The test may lose or repeat them. */
export function createRecordingQueues(): RecordingQueues {
  const sent: WorkMessage[] = [];
  let waiting: WorkMessage[] = [];
  return {
    reaches: new Set(['intake', 'submit', 'deliver', 'finish']),
    async send(messages) {
      const copies = frozenCopy(messages);
      sent.push(...copies);
      waiting.push(...copies);
    },
    sent: () => [...sent],
    take(to) {
      const taken = waiting.filter((message) => to === undefined || message.to === to);
      waiting = waiting.filter((message) => !taken.includes(message));
      return taken;
    },
  };
}
