import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { WorkQueue } from '../resources/work-queue.ts';
import type { WorkerFunction } from './worker-function.ts';

/** A queue, and the function that works it off. */
export interface QueueWorker {
  work: WorkQueue;
  worker: WorkerFunction;
}

/** What runs, for those who watch it. */
export interface StageWorkers {
  intake: QueueWorker & { undelivered: Queue };
  submission: QueueWorker;
  delivery: QueueWorker;
  cancellation: QueueWorker;
  polling: { worker: WorkerFunction };
}
