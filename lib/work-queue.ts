import { Duration } from 'aws-cdk-lib';
import type { Rule } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { HouseFunction } from './house-function.ts';

const VISIBILITY_PER_TIMEOUT = 6; // AWS's advice for event sources: room for an invocation that Lambda throttles and repeats
const RECEIVES = 5; // AWS's least for event sources; our own tries are counted in the ledger, not here
const KEPT = Duration.days(4); // a weekend's outage and the day to repair it
const EVIDENCE_KEPT = Duration.days(14); // the most SQS allows; counted from the first send, so longer than KEPT

// Written out, as what the CDK grants with a queue is more than is used (docs/security.md).
const FEEDING = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']; // what Lambda asks of a function's role
const SENDING = ['sqs:SendMessage'];

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
    const { queueArn } = this.queue;
    grant(worker, FEEDING, queueArn);
    // Always with partial failures: one bad record must not bring its neighbours back.
    worker.lambda.addEventSourceMapping('Work', {
      ...pace,
      eventSourceArn: queueArn,
      reportBatchItemFailures: true,
    });
  }

  letSend(sender: IGrantable): void {
    grant(sender, SENDING, this.queue.queueArn);
  }
}

/** Lets a rule put its events into a queue, and nobody else's rule. */
export function letRuleSend(rule: Rule, queue: Queue): void {
  const conditions = { ArnEquals: { 'aws:SourceArn': rule.ruleArn } };
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com', { conditions })],
      actions: SENDING,
      resources: [queue.queueArn],
    }),
  );
}

function grant(grantee: IGrantable, actions: string[], queueArn: string): void {
  Grant.addToPrincipal({ grantee, actions, resourceArns: [queueArn] });
}
