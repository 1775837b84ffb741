import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { HouseFunction } from './house-function.ts';

const VISIBILITY_PER_TIMEOUT = 6; // AWS's advice for event sources: room for an invocation that Lambda throttles and repeats
const RECEIVES = 5; // AWS's least for event sources; our own tries are counted in the ledger, not here
const KEPT = Duration.days(4); // a weekend's outage and the day to repair it
const EVIDENCE_KEPT = Duration.days(14); // the most SQS allows; counted from the first send, so longer than KEPT

// SSE-SQS: EventBridge cannot write to a queue with the AWS-managed KMS key.
const SEALED = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

/** Makes a queue for what could not be worked on; it is read by people. */
export function deadLetterQueue(scope: Construct, id: string): Queue {
  return new Queue(scope, id, { ...SEALED, retentionPeriod: EVIDENCE_KEPT });
}

/** A queue that one function works off, with its dead-letter queue. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  /** A message is older than this only if its second delivery failed as well or nobody is there to take it. */
  readonly longestUsualAge: Duration;

  /** `timeout` is that of the function that works the queue off. */
  constructor(scope: Construct, id: string, timeout: Duration) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, 'DeadLetters');
    const visibilityTimeout = Duration.seconds(timeout.toSeconds() * VISIBILITY_PER_TIMEOUT);
    this.queue = new Queue(this, 'Queue', {
      ...SEALED,
      visibilityTimeout,
      retentionPeriod: KEPT,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RECEIVES },
    });
    this.longestUsualAge = visibilityTimeout.plus(timeout).plus(timeout);
  }

  /** `maxConcurrency` is at least 2, the least Lambda accepts. */
  feed(worker: HouseFunction, pace: { batchSize: number; maxConcurrency: number }): void {
    // Always with partial failures: one bad record must not bring its neighbours back.
    worker.lambda.addEventSource(new SqsEventSource(this.queue, { ...pace, reportBatchItemFailures: true }));
  }
}
