import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { WorkQueue } from '../resources/work-queue.ts';
import type { HouseFunction } from './worker-function.ts';

/** A queue, and the function that works it off. */
export interface QueueWorker {
  work: WorkQueue;
  worker: HouseFunction;
}

/** What runs, for those who watch it. */
export interface Rooms {
  intake: QueueWorker & { undelivered: Queue };
  submission: QueueWorker;
  delivery: QueueWorker;
  cancellation: QueueWorker;
  polling: { worker: HouseFunction };
}
