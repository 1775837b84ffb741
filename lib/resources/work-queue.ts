import { Duration, Stack } from 'aws-cdk-lib';
import type { Rule } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { WorkerFunction } from '../stages/worker-function.ts';

const VISIBILITY_PER_TIMEOUT = 6; // AWS's advice for event sources: room for an invocation that Lambda throttles and repeats
const RECEIVES = 5; // AWS's least for event sources; our own tries are counted in the ledger, not here
const KEPT = Duration.days(4); // a weekend's outage and the day to repair it
const EVIDENCE_KEPT = Duration.days(14); // the most SQS allows; counted from the first send, so longer than KEPT

// Written out, as what the CDK grants with a queue is more than is used (docs/security.md).
const FEEDING = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']; // what Lambda asks of a function's role
const SENDING = ['sqs:SendMessage'];

const KEY_TO_SEND = ['kms:GenerateDataKey', 'kms:Decrypt'];
const KEY_TO_RECEIVE = ['kms:Decrypt'];

/** Makes a queue for what could not be worked on; it is read by people. */
export function deadLetterQueue(scope: Construct, id: string, encryptionKey: IKey | undefined): Queue {
  return new Queue(scope, id, { ...sealed(encryptionKey), retentionPeriod: EVIDENCE_KEPT });
}

/** A queue that one function works off, with its dead-letter queue. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  /** A message is older than this only if its second delivery failed as well or nobody is there to take it. */
  readonly longestUsualAge: Duration;

  /** `timeout` is that of the function that works the queue off. */
  constructor(
    scope: Construct,
    id: string,
    { timeout, encryptionKey }: { timeout: Duration; encryptionKey: IKey | undefined },
  ) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, 'DeadLetters', encryptionKey);
    const visibilityTimeout = Duration.seconds(timeout.toSeconds() * VISIBILITY_PER_TIMEOUT);
    this.queue = new Queue(this, 'Queue', {
      ...sealed(encryptionKey),
      visibilityTimeout,
      retentionPeriod: KEPT,
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RECEIVES },
    });
    this.longestUsualAge = visibilityTimeout.plus(timeout).plus(timeout);
  }

  /** `maxConcurrency` is at least 2, the least Lambda accepts. */
  feed(worker: WorkerFunction, pace: { batchSize: number; maxConcurrency: number }): void {
    const { queueArn } = this.queue;
    grant(worker, FEEDING, queueArn);
    this.queue.encryptionMasterKey?.grant(worker, ...KEY_TO_RECEIVE);
    // Always with partial failures: one bad record must not bring its neighbours back.
    worker.lambda.addEventSourceMapping('Work', {
      ...pace,
      eventSourceArn: queueArn,
      reportBatchItemFailures: true,
    });
  }

  grantSend(sender: IGrantable): void {
    grant(sender, SENDING, this.queue.queueArn);
    this.queue.encryptionMasterKey?.grant(sender, ...KEY_TO_SEND);
  }
}

/** Lets a rule put its events into a queue, and nobody else's rule. */
export function grantRuleSend(rule: Rule, queue: Queue): void {
  const conditions = { ArnEquals: { 'aws:SourceArn': rule.ruleArn } };
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com', { conditions })],
      actions: SENDING,
      resources: [queue.queueArn],
    }),
  );
  // By account, not by rule: the key would depend on the rule, the rule on its queue, and the queue on the key.
  queue.encryptionMasterKey?.addToResourcePolicy(
    new PolicyStatement({
      principals: [
        new ServicePrincipal('events.amazonaws.com', {
          conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(queue).account } },
        }),
      ],
      actions: KEY_TO_SEND,
      resources: ['*'], // of a key's own policy: this key
    }),
  );
}

/** SSE-SQS unless there is a key of one's own: EventBridge cannot write to a queue with the AWS-managed KMS key. */
function sealed(encryptionKey: IKey | undefined): QueueProps {
  return encryptionKey
    ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey, enforceSSL: true }
    : { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
}

function grant(grantee: IGrantable, actions: string[], queueArn: string): void {
  Grant.addToPrincipal({ grantee, actions, resourceArns: [queueArn] });
}
