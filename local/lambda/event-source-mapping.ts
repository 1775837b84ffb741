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
 * Connects a queue to a function: (1) receives up to `batchSize` records, (2) invokes the function, (3) deletes the
 * records that succeeded. Records that failed, or were in flight when the runtime was killed, become visible again
 * after the queue's visibility time-out. In the end they move to its dead-letter queue. As on AWS, nothing shortens
 * that time.
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

  /** Starts with the messages in the queue, then receives new ones. */
  start(): void {
    // The notification comes during the sender's work, so receiving waits until that is done.
    this.#stopListening = this.#queues.onArrival(this.#spec.queueArn, () => setImmediate(() => this.#take()));
    this.#take();
  }

  /** Stops receiving. Resolves when the running invocations have ended. */
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
      return; // reported in the function's log and on the terminal; the records become visible again by themselves
    }
    const failed = this.#spec.reportsItemFailures ? failedIds(answer, messages) : new Set<string>();
    for (const { messageId, receiptHandle } of messages) {
      if (!failed.has(messageId)) this.#queues.delete(this.#spec.queueArn, receiptHandle);
    }
  }
}

/**
 * Returns the records that a handler reports as failed. As on AWS, a malformed response, or one with an unknown id,
 * fails every record ([source](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html)).
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

/** Returns a record as the function receives it. */
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
