import type { WorkQueues } from '../../ports/ports.ts';

/** For a function that sends no messages. POLL sends them at its next tick. */
export const NO_QUEUES: WorkQueues = {
  reaches: new Set(),
  send: () => Promise.reject(new Error('send: this function has no queue')),
};
