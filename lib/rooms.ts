import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { HouseFunction } from './house-function.ts';
import type { WorkQueue } from './work-queue.ts';

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
