import type { WorkQueues } from '../../ports/ports.ts';
import { type QueueUrls, receiversOf } from '../sqs/queue-urls.ts';
import { loadedOnce } from './late-ports.ts';

/** The queues that a function sends to. */
export function createQueues(urls: QueueUrls): WorkQueues {
  const load = loadedOnce(async () => (await import('../sqs/open-queues.ts')).openQueues(urls));
  return { reaches: receiversOf(urls), send: async (messages) => (await load()).send(messages) };
}
