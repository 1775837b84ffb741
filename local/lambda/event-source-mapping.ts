import { createHash } from 'node:crypto';
import { LOCAL_REGION } from '../aws/protocol/aws-service.ts';
import type { Queues, ReceivedMessage } from '../aws/sqs/queues.ts';
import type { LambdaFunction } from './lambda-function.ts';

/** `AWS::Lambda::EventSourceMapping` of an SQS queue. */
export interface MappingSpec {
  readonly queueArn: string;
  readonly batchSize: number;
  readonly maximumConcurrency: number;
  readonly reportsItemFailures: boolean;
}

/**
 * Feeds a queue to a function: (1) receive up to `batchSize` records, (2) invoke, (3) delete what succeeded. What
 * failed, or was under way when the runtime died, comes back after the queue's visibility time-out, and goes to its
 * dead-letter queue in the end; nothing here shortens that, as nothing on AWS does.
 */
export class EventSourceMapping {
  readonly #spec: MappingSpec;
  readonly #lambda: LambdaFunction;
  readonly #queues: Queues;
  readonly #running = new Set<Promise<void>>();
  #stopListening: (() => void) | undefined;

  constructor(spec: MappingSpec, lambda: LambdaFunction, queues: Queues) {
    this.#spec = spec;
    this.#lambda = lambda;
    this.#queues = queues;
  }

  /** Takes what lies in the queue already, then what arrives. */
  start(): void {
    // The bell rings inside the sender's work, so the receiving is put off until that is done.
    this.#stopListening = this.#queues.onArrival(this.#spec.queueArn, () => setImmediate(() => this.#take()));
    this.#take();
  }

  /** Takes nothing more. Resolves when what it runs has ended, one way or the other. */
  async stop(): Promise<void> {
    this.#stopListening?.();
    this.#stopListening = undefined;
    await Promise.all(this.#running);
  }

  #take(): void {
    while (this.#stopListening !== undefined && this.#running.size < this.#spec.maximumConcurrency) {
      const messages = this.#queues.receive(this.#spec.queueArn, this.#spec.batchSize);
      if (messages.length === 0) return;
      const run = this.#run(messages).finally(() => {
        this.#running.delete(run);
        this.#take();
      });
      this.#running.add(run);
    }
  }

  async #run(messages: ReceivedMessage[]): Promise<void> {
    const records = messages.map((message) => sqsRecord(message, this.#spec.queueArn));
    let answer: unknown;
    try {
      answer = await this.#lambda.invoke({ Records: records });
    } catch {
      return; // the function's log and the terminal have it; the records come back by themselves
    }
    const failed = this.#spec.reportsItemFailures ? failedIds(answer, messages) : new Set<string>();
    for (const { messageId, receiptHandle } of messages) {
      if (!failed.has(messageId)) this.#queues.delete(this.#spec.queueArn, receiptHandle);
    }
  }
}

/**
 * The records a handler reports as failed. As on AWS an answer that cannot be read so, or names an id that was not in
 * the event, fails every record ([source](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html)).
 */
export function failedIds(answer: unknown, messages: readonly { messageId: string }[]): Set<string> {
  const all = new Set(messages.map(({ messageId }) => messageId));
  if (answer === null || answer === undefined) return new Set();
  if (typeof answer !== 'object') return all;
  if (!('batchItemFailures' in answer) || answer.batchItemFailures === null) return new Set();
  if (!Array.isArray(answer.batchItemFailures)) return all;
  const failed = new Set<string>();
  for (const failure of answer.batchItemFailures) {
    const id: unknown = typeof failure === 'object' && failure !== null ? failure.itemIdentifier : undefined;
    if (typeof id !== 'string' || !all.has(id)) return all;
    failed.add(id);
  }
  return failed;
}

/** A record as a function sees it. */
function sqsRecord(message: ReceivedMessage, queueArn: string): object {
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: message.systemAttributes,
    messageAttributes: Object.fromEntries(
      Object.entries(message.messageAttributes).map(([name, attribute]) => [
        name,
        recordAttribute(attribute),
      ]),
    ),
    md5OfBody: createHash('md5').update(message.body).digest('hex'),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: LOCAL_REGION,
  };
}

function recordAttribute(attribute: {
  DataType: string;
  StringValue?: string;
  BinaryValue?: string;
}): object {
  return {
    dataType: attribute.DataType,
    stringValue: attribute.StringValue ?? null,
    binaryValue: attribute.BinaryValue ?? null,
    stringListValues: [],
    binaryListValues: [],
  };
}
