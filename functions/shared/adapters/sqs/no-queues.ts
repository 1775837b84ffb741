import type { WorkQueues } from '../../ports/ports.ts';

/** For a function that sends no messages: the reconciler sends them within its next tick. */
export const NO_QUEUES: WorkQueues = {
  reaches: new Set(),
  send: () => Promise.reject(new Error('send: this function has no queue')),
};
