import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { Failure } from '../terminal/failure.ts';

/** A queue with what was given up of it, by the paths of their constructs. */
interface DeadLetterQueue {
  readonly deadLetters: string;
  /** Where its messages belong. */
  readonly home: string;
}

/** By the names people know them under. `undelivered` holds events of the bucket that never got to the intake queue. */
export const DEAD_LETTER_QUEUES = {
  intake: { deadLetters: 'IntakeWorkDeadLetters', home: 'IntakeWorkQueue' },
  submit: { deadLetters: 'SubmissionWorkDeadLetters', home: 'SubmissionWorkQueue' },
  deliver: { deadLetters: 'DeliveryWorkDeadLetters', home: 'DeliveryWorkQueue' },
  cancel: { deadLetters: 'CancellationWorkDeadLetters', home: 'CancellationWorkQueue' },
  undelivered: { deadLetters: 'IntakeUndelivered', home: 'IntakeWorkQueue' },
} as const satisfies Record<string, DeadLetterQueue>;

export type QueueName = keyof typeof DEAD_LETTER_QUEUES;

interface Queues {
  readonly sqs: SQSClient;
  /** URLs by the paths of their constructs. */
  readonly resources: ReadonlyMap<string, string>;
}

const WAIT_SECONDS = 2; // an answer without waiting may be empty although there are messages
const HIDDEN_SECONDS = 60; // far longer than sending one takes

/** How many messages were given up, about: SQS counts so. */
export async function countDeadLetters({ sqs, resources }: Queues, name: QueueName): Promise<number> {
  const QueueUrl = urlOf(resources, DEAD_LETTER_QUEUES[name].deadLetters);
  const AttributeNames = ['ApproximateNumberOfMessages'] as const;
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
  );
  return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
}

/**
 * Puts every message back into the queue it belongs to; answers how many. By hand: SQS's own redrive refuses queues that
 * EventBridge fills. Dying between sending and deleting leaves a message in both places, which is harmless: each is
 * right when worked on twice. What fails anew comes back after its deliveries, long after this has ended.
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
    throw new Failure(`The stack has no queue ${path}: it is no Batchdrop, or of another version.`);
  return url;
}
