import { Duration, Stack } from 'aws-cdk-lib';
import type { Rule } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { WorkerFunction } from '../stages/worker-function.ts';

const VISIBILITY_PER_TIMEOUT = 6; // AWS's advice for event sources, so that Lambda can retry throttled invocations
const RECEIVES = 5; // AWS's minimum for event sources; the ledger counts our own tries
const KEPT = Duration.days(4); // an outage over a weekend, and a day to fix it
const EVIDENCE_KEPT = Duration.days(14); // SQS's maximum; it counts from the first send, so it must exceed KEPT

// The actions are explicit, because the CDK's queue grants include more than is used (docs/security.md).
const FEEDING = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']; // Lambda requires these of the function's role
const SENDING = ['sqs:SendMessage'];

const KEY_TO_SEND = ['kms:GenerateDataKey', 'kms:Decrypt'];
const KEY_TO_RECEIVE = ['kms:Decrypt'];

/** Creates a queue for messages that could not be processed. */
export function deadLetterQueue(scope: Construct, id: string, encryptionKey: IKey | undefined): Queue {
  return new Queue(scope, id, { ...encryptedBy(encryptionKey), retentionPeriod: EVIDENCE_KEPT });
}

/** A queue that feeds one function, with its dead-letter queue. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  /** A message becomes older than this only if its second delivery also failed, or if no function receives it. */
  readonly maxUsualAge: Duration;

  /** `timeout`: the timeout of the function that the queue feeds. */
  constructor(
    scope: Construct,
    id: string,
    { timeout, encryptionKey }: { timeout: Duration; encryptionKey: IKey | undefined },
  ) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, 'DeadLetters', encryptionKey);
    const visibilityTimeout = Duration.seconds(timeout.toSeconds() * VISIBILITY_PER_TIMEOUT);
    this.queue = new Queue(this, 'Queue', {
      ...encryptedBy(encryptionKey),
      visibilityTimeout,
      retentionPeriod: KEPT,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RECEIVES },
    });
    this.maxUsualAge = visibilityTimeout.plus(timeout).plus(timeout);
  }

  /**
   * Lets Lambda invoke the function with messages of the queue. `maxConcurrency`, at least 2, bounds the work on large
   * files. Without it, or if it is 0, Lambda reads an idle queue with two readers instead of five (docs/adr/0030-idle-cost.md).
   */
  feed(
    worker: WorkerFunction,
    { batchSize, maxConcurrency = 0 }: { batchSize: number; maxConcurrency?: number },
  ): void {
    const { queueArn } = this.queue;
    grant(worker, FEEDING, queueArn);
    this.queue.encryptionMasterKey?.grant(worker, ...KEY_TO_RECEIVE);
    // With partial failures, so that one bad record does not return the other records to the queue.
    worker.lambda.addEventSourceMapping('Work', {
      batchSize,
      ...(maxConcurrency > 0 && { maxConcurrency }),
      eventSourceArn: queueArn,
      reportBatchItemFailures: true,
    });
  }

  /** Grants sending messages. */
  grantSend(sender: IGrantable): void {
    grant(sender, SENDING, this.queue.queueArn);
    this.queue.encryptionMasterKey?.grant(sender, ...KEY_TO_SEND);
  }
}

/** Grants one rule sending its events to a queue. */
export function grantRuleSend(rule: Rule, queue: Queue): void {
  const conditions = { ArnEquals: { 'aws:SourceArn': rule.ruleArn } };
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com', { conditions })],
      actions: SENDING,
      resources: [queue.queueArn],
    }),
  );
  // By account and not by rule, because key, rule and queue would otherwise depend on each other in a circle.
  queue.encryptionMasterKey?.addToResourcePolicy(
    new PolicyStatement({
      principals: [
        new ServicePrincipal('events.amazonaws.com', {
          conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(queue).account } },
        }),
      ],
      actions: KEY_TO_SEND,
      resources: ['*'], // in a key policy: this key
    }),
  );
}

/**
 * SSE-SQS if the user has no key of their own, because EventBridge cannot send to a queue with the AWS managed KMS key.
 */
function encryptedBy(encryptionKey: IKey | undefined): QueueProps {
  return encryptionKey
    ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey, enforceSSL: true }
    : { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
}

function grant(grantee: IGrantable, actions: string[], queueArn: string): void {
  Grant.addToPrincipal({ grantee, actions, resourceArns: [queueArn] });
}
