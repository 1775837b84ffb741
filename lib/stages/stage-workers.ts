import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { WorkQueue } from '../resources/work-queue.ts';
import type { Webhooks } from './webhooks.ts';
import type { WorkerFunction } from './worker-function.ts';

/** A queue and the function that it feeds. */
export interface QueueWorker {
  work: WorkQueue;
  worker: WorkerFunction;
}

/** The functions and queues of a Batchdrop, for its monitoring. */
export interface StageWorkers {
  intake: QueueWorker & { undelivered: Queue };
  submission: QueueWorker;
  delivery: QueueWorker;
  cancellation: QueueWorker;
  approval: QueueWorker;
  polling: { worker: WorkerFunction };
  /** Present if webhooks are received. */
  webhooks?: Webhooks | undefined;
}
