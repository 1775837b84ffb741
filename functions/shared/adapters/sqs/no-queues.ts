import type { WorkQueues } from '../../ports/ports.ts';

/** For a function that hands nothing on: the reconciler does, within its tick. */
export const NO_QUEUES: WorkQueues = {
  reaches: new Set(),
  send: () => Promise.reject(new Error('this function reaches no queue')),
};
