import { AwsError } from '../protocol/aws-error.ts';
import type { Input } from '../protocol/input.ts';
import type { Operation } from '../protocol/json-protocol.ts';
import { batchEntries, checkBatchSize } from './entries.ts';
import { invalidParameter } from './errors.ts';
import { waitForMessages } from './long-poll.ts';
import {
  type MessageAttributes,
  md5Hex,
  md5OfAttributes,
  parseMessageAttributes,
  selectAttributes,
} from './message-attributes.ts';
import type { Queue } from './queue.ts';
import { queueOfRequest } from './queue-operations.ts';
import type { Queues, ReceivedMessage } from './queues.ts';

/** The API's operations on messages, single and in batches. */
export function messageOperations(queues: Queues): Record<string, Operation> {
  const send = (queue: Queue, entry: Input) => sendOne(queues, queue, entry);
  const remove = (queue: Queue, entry: Input) => {
    queues.delete(queue.arn, entry.text('ReceiptHandle'));
    return {};
  };
  const changeVisibility = (queue: Queue, entry: Input) => {
    queues.changeVisibility(queue.arn, entry.text('ReceiptHandle'), entry.integer('VisibilityTimeout'));
    return {};
  };
  const single = (act: EntryAction) => (input: Input) => act(queueOfRequest(queues, input), input);
  const batch = (act: EntryAction) => (input: Input) =>
    eachEntry(queueOfRequest(queues, input), batchEntries(input), act);
  return {
    SendMessage: single(send),
    SendMessageBatch: (input) => {
      const queue = queueOfRequest(queues, input);
      const entries = batchEntries(input);
      checkBatchSize(entries);
      return eachEntry(queue, entries, send);
    },
    ReceiveMessage: (input, { signal }) => receive(queues, input, signal),
    DeleteMessage: single(remove),
    DeleteMessageBatch: batch(remove),
    ChangeMessageVisibility: single(changeVisibility),
    ChangeMessageVisibilityBatch: batch(changeVisibility),
  };
}

type EntryAction = (queue: Queue, entry: Input) => object;

/** Applies `act` to each entry. An entry that fails does not affect the others. */
function eachEntry(queue: Queue, entries: readonly Input[], act: EntryAction): object {
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    const Id = entry.text('Id');
    try {
      Successful.push({ Id, ...act(queue, entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({ Id, Code: error.queryCode ?? error.code, Message: error.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

function sendOne(queues: Queues, queue: Queue, entry: Input): object {
  for (const field of ['MessageGroupId', 'MessageDeduplicationId', 'MessageSystemAttributes']) {
    if (entry.has(field)) throw invalidParameter(`${field} is not implemented here.`);
  }
  const body = entry.text('MessageBody');
  const attributes = parseMessageAttributes(entry.optionalObject('MessageAttributes'));
  const MessageId = queues.send(queue.arn, body, {
    attributes,
    delaySeconds: entry.optionalInteger('DelaySeconds'),
  });
  return { MessageId, MD5OfMessageBody: md5Hex(body), ...digestOf(attributes) };
}

function digestOf(attributes: MessageAttributes): { MD5OfMessageAttributes?: string } {
  return Object.keys(attributes).length === 0 ? {} : { MD5OfMessageAttributes: md5OfAttributes(attributes) };
}

async function receive(queues: Queues, input: Input, signal: AbortSignal): Promise<object> {
  const queue = queueOfRequest(queues, input);
  const max = bounded(input, 'MaxNumberOfMessages', 1, 10) ?? 1;
  const waitSeconds = bounded(input, 'WaitTimeSeconds', 0, 20) ?? queue.settings.receiveWaitSeconds;
  const visibilitySeconds = input.optionalInteger('VisibilityTimeout');
  const received = await waitForMessages(
    queues,
    queue.arn,
    () => queues.receive(queue.arn, max, visibilitySeconds),
    { waitSeconds, signal },
  );
  // Most programs still send the older name of the field.
  const systemNames = [...input.texts('AttributeNames'), ...input.texts('MessageSystemAttributeNames')];
  const attributeNames = input.texts('MessageAttributeNames');
  return { Messages: received.map((message) => wireMessage(message, systemNames, attributeNames)) };
}

function wireMessage(
  message: ReceivedMessage,
  systemNames: readonly string[],
  attributeNames: readonly string[],
): object {
  const system = Object.entries(message.systemAttributes).filter(
    ([name]) => systemNames.includes('All') || systemNames.includes(name),
  );
  const attributes = selectAttributes(message.messageAttributes, attributeNames);
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5Hex(message.body),
    Body: message.body,
    ...(system.length > 0 && { Attributes: Object.fromEntries(system) }),
    ...(attributes !== undefined && { MessageAttributes: attributes, ...digestOf(attributes) }),
  };
}

function bounded(input: Input, name: string, least: number, most: number): number | undefined {
  const value = input.optionalInteger(name);
  if (value === undefined || (value >= least && value <= most)) return value;
  throw invalidParameter(
    `Value ${value} for parameter ${name} is invalid. Reason: Must be from ${least} to ${most}.`,
  );
}
