import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { momentShown } from '../terminal/amounts.ts';
import { Failure } from '../terminal/failure.ts';

/** A dead-letter queue and the queue that its messages belong to, by the paths of their constructs. */
interface DeadLetterQueue {
  readonly deadLetters: string;
  readonly home: string;
}

/**
 * The dead-letter queues by the names that users type. `undelivered` contains S3 events that EventBridge could not
 * deliver to the intake queue. Only a Batchdrop with a `startAndWait` has `answer`.
 */
export const DEAD_LETTER_QUEUES = {
  intake: { deadLetters: 'IntakeWorkDeadLetters', home: 'IntakeWorkQueue' },
  submit: { deadLetters: 'SubmissionWorkDeadLetters', home: 'SubmissionWorkQueue' },
  deliver: { deadLetters: 'DeliveryWorkDeadLetters', home: 'DeliveryWorkQueue' },
  cancel: { deadLetters: 'CancellationWorkDeadLetters', home: 'CancellationWorkQueue' },
  approve: { deadLetters: 'ApprovalWorkDeadLetters', home: 'ApprovalWorkQueue' },
  answer: { deadLetters: 'CallbacksWorkDeadLetters', home: 'CallbacksWorkQueue' },
  undelivered: { deadLetters: 'IntakeUndelivered', home: 'IntakeWorkQueue' },
} as const satisfies Record<string, DeadLetterQueue>;

export type QueueName = keyof typeof DEAD_LETTER_QUEUES;

interface Queues {
  readonly sqs: SQSClient;
  /** URLs by the paths of their constructs. */
  readonly resources: ReadonlyMap<string, string>;
}

const MAX_TEXT = 160; // of a message that is shown
const WAIT_SECONDS = 2; // without waiting, a response can be empty although there are messages
const HIDDEN_SECONDS = 60; // far longer than moving ten messages takes

/** Returns whether the Batchdrop lacks the queue because it has no need of it. */
export function isUnneeded(resources: Queues['resources'], name: QueueName): boolean {
  return name === 'answer' && !resources.has(DEAD_LETTER_QUEUES[name].deadLetters);
}

/** Returns the approximate number of dead letters. SQS does not report an exact one. */
export async function countDeadLetters({ sqs, resources }: Queues, name: QueueName): Promise<number> {
  const QueueUrl = urlOf(resources, DEAD_LETTER_QUEUES[name].deadLetters);
  const AttributeNames = ['ApproximateNumberOfMessages'] as const;
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
  );
  return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
}

/**
 * Returns one of the dead letters, which stays in the queue and visible; undefined if none was received. `text`: its first
 * characters, or the object if it is an event of S3. `sentAt`: in UTC.
 */
export async function firstDeadLetter(
  { sqs, resources }: Queues,
  name: QueueName,
): Promise<{ sentAt: string; text: string } | undefined> {
  const { Messages: [message] = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: urlOf(resources, DEAD_LETTER_QUEUES[name].deadLetters),
      VisibilityTimeout: 0,
      WaitTimeSeconds: WAIT_SECONDS,
      MessageSystemAttributeNames: ['SentTimestamp'],
    }),
  );
  if (message === undefined) return undefined;
  const { Body = '', Attributes = {} } = message;
  return { sentAt: momentShown(Number(Attributes.SentTimestamp ?? 0)), text: textOf(Body) };
}

function textOf(body: string): string {
  const short = body.length > MAX_TEXT ? `${body.slice(0, MAX_TEXT)}…` : body;
  try {
    const { 'detail-type': type, detail } = Object(JSON.parse(body));
    const { object, bucket } = Object(detail);
    return typeof object?.key === 'string' ? `${type} s3://${bucket?.name}/${object.key}` : short;
  } catch {
    return short;
  }
}

/**
 * Moves every dead letter back to its queue, and returns their number. SQS's own redrive does not work for queues that
 * EventBridge fills. A crash between sending and deleting leaves a message in both queues, which is harmless, because
 * every message can be processed twice. A message that fails again returns only after its retries, long after this
 * function has ended.
 */
export async function redrive({ sqs, resources }: Queues, name: QueueName): Promise<number> {
  const { deadLetters, home } = DEAD_LETTER_QUEUES[name];
  const [from, to] = [urlOf(resources, deadLetters), urlOf(resources, home)];
  for (let moved = 0; ; ) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: from,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: WAIT_SECONDS,
        VisibilityTimeout: HIDDEN_SECONDS,
      }),
    );
    if (Messages.length === 0) return moved;
    for (const { Body, ReceiptHandle } of Messages) {
      await sqs.send(new SendMessageCommand({ QueueUrl: to, MessageBody: Body }));
      await sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle }));
      moved += 1;
    }
  }
}

function urlOf(resources: Queues['resources'], path: string): string {
  const url = resources.get(path);
  if (url === undefined)
    throw new Failure(
      `This Batchdrop has no queue ${path}, because its version differs from the version of this command.`,
    );
  return url;
}
