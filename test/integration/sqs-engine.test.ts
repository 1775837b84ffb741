import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Endpoint, startEndpoint } from '../../local/aws/endpoint.ts';
import { SqsEngine } from '../../local/aws/sqs/engine.ts';
import { queueUrl } from '../../local/aws/sqs/queue.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

const directory = mkdtempSync(join(tmpdir(), 'batchdrop-sqs-'));
const clock = new ManualClock();
const engine = new SqsEngine({ directory, clock });
let endpoint: Endpoint;
let sqs: SQSClient;
let created = 0;

beforeAll(async () => {
  endpoint = await startEndpoint({ services: [engine], port: 0 });
  sqs = new SQSClient({
    endpoint: endpoint.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
});

afterAll(async () => {
  sqs.destroy();
  await endpoint.close();
  await engine.close();
  rmSync(directory, { recursive: true });
});

/** A queue of the template: by the manual clock. */
function templateQueue(settings: Omit<Parameters<typeof engine.queues.createQueue>[1], 'time'> = {}) {
  created += 1;
  const name = `queue-${created}`;
  const arn = engine.queues.createQueue(name, { time: 'clock', ...settings });
  return { name, arn, QueueUrl: queueUrl(endpoint.url, name) };
}

async function receive(QueueUrl: string, more: Partial<ReceiveMessageCommandInput> = {}) {
  const answer = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }));
  return answer.Messages ?? [];
}

async function bodies(QueueUrl: string) {
  return (await receive(QueueUrl)).map((message) => message.Body);
}

const send = (QueueUrl: string, MessageBody: string, DelaySeconds?: number) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, DelaySeconds }));

describe('a message', () => {
  it('is received with its digest, attributes and times', async () => {
    const { QueueUrl } = templateQueue();
    const sentAt = clock.now();
    const sent = await sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'grüße 🎈',
        MessageAttributes: {
          'trace.id': { DataType: 'String', StringValue: 'abc' },
          'trace.part': { DataType: 'Number', StringValue: '7' },
          raw: { DataType: 'Binary.png', BinaryValue: new Uint8Array([0, 255, 7]) },
        },
      }),
    );
    // Computed once with Python's hashlib over the documented layout.
    expect(sent.MD5OfMessageAttributes).toBe('66f006c5edf9e7597164a5de2d36f808');
    clock.advance(1_500);
    const [message] = await receive(QueueUrl, {
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'grüße 🎈',
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: {
        SentTimestamp: String(sentAt),
        ApproximateFirstReceiveTimestamp: String(sentAt + 1_500),
        ApproximateReceiveCount: '1',
      },
    });
    expect(message?.MessageAttributes?.raw?.BinaryValue).toEqual(new Uint8Array([0, 255, 7]));
  });

  it('shows only the attributes that are asked for', async () => {
    const { QueueUrl } = templateQueue({ visibilityTimeoutSeconds: 0 });
    const attribute = { DataType: 'String', StringValue: 'x' };
    await sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'm',
        MessageAttributes: { 'a.one': attribute, 'a.two': attribute, b: attribute },
      }),
    );
    const names = async (more: Partial<ReceiveMessageCommandInput>) => {
      const [message] = await receive(QueueUrl, more);
      return [
        Object.keys(message?.Attributes ?? {}),
        Object.keys(message?.MessageAttributes ?? {}).toSorted(),
      ];
    };
    expect(await names({})).toEqual([[], []]);
    expect(await names({ MessageAttributeNames: ['a.*'] })).toEqual([[], ['a.one', 'a.two']]);
    expect(
      await names({ MessageSystemAttributeNames: ['SentTimestamp'], MessageAttributeNames: ['b'] }),
    ).toEqual([['SentTimestamp'], ['b']]);
  });

  it('comes back after its visibility time-out, its receipts counted', async () => {
    const { QueueUrl } = templateQueue({ visibilityTimeoutSeconds: 30 });
    await send(QueueUrl, 'again');
    expect(await bodies(QueueUrl)).toEqual(['again']);
    clock.advance(29_999);
    expect(await bodies(QueueUrl)).toEqual([]);
    clock.advance(1);
    const [message] = await receive(QueueUrl, { MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(message?.Attributes).toEqual({ ApproximateReceiveCount: '2' });
  });

  it('is gone once deleted', async () => {
    const { QueueUrl } = templateQueue();
    await send(QueueUrl, 'once');
    const [message] = await receive(QueueUrl);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    clock.advance(86_400_000);
    expect(await bodies(QueueUrl)).toEqual([]);
  });

  it('is not deleted by the handle of a receipt that another has overtaken', async () => {
    const { QueueUrl } = templateQueue({ visibilityTimeoutSeconds: 30 });
    await send(QueueUrl, 'contended');
    const [first] = await receive(QueueUrl);
    clock.advance(30_000);
    const [second] = await receive(QueueUrl);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    clock.advance(30_000);
    expect(await bodies(QueueUrl)).toEqual(['contended']);
    expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
  });

  it('is hidden longer, or given back, when its visibility is changed', async () => {
    const { QueueUrl } = templateQueue({ visibilityTimeoutSeconds: 30 });
    await send(QueueUrl, 'held');
    const [message] = await receive(QueueUrl);
    const change = (VisibilityTimeout: number) =>
      sqs.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl,
          ReceiptHandle: message?.ReceiptHandle,
          VisibilityTimeout,
        }),
      );
    await change(100);
    clock.advance(99_999);
    expect(await bodies(QueueUrl)).toEqual([]);
    await change(0);
    await expect(change(10)).rejects.toThrow(expect.objectContaining({ name: 'MessageNotInflight' }));
    expect(await bodies(QueueUrl)).toEqual(['held']);
  });

  it('with a delay is not seen before', async () => {
    const { QueueUrl } = templateQueue({ delaySeconds: 5 });
    await send(QueueUrl, 'by queue');
    await send(QueueUrl, 'by message', 10);
    await send(QueueUrl, 'at once', 0);
    expect(await bodies(QueueUrl)).toEqual(['at once']);
    clock.advance(5_000);
    expect(await bodies(QueueUrl)).toEqual(['by queue']);
    clock.advance(5_000);
    expect(await bodies(QueueUrl)).toEqual(['by message']);
  });

  it('is dropped when its retention ends', async () => {
    const { QueueUrl } = templateQueue({ retentionSeconds: 60, visibilityTimeoutSeconds: 0 });
    await send(QueueUrl, 'old');
    clock.advance(59_999);
    expect(await bodies(QueueUrl)).toEqual(['old']);
    clock.advance(1);
    expect(await bodies(QueueUrl)).toEqual([]);
  });
});

describe('redrive', () => {
  it('moves a message to the dead-letter queue once it was received as often as allowed', async () => {
    const dead = templateQueue();
    const { QueueUrl, arn } = templateQueue({
      visibilityTimeoutSeconds: 10,
      redrive: { deadLetterTargetArn: dead.arn, maxReceiveCount: 2 },
    });
    const { MessageId } = await send(QueueUrl, 'poison');
    for (let receipt = 0; receipt < 2; receipt += 1) {
      expect(await bodies(QueueUrl)).toEqual(['poison']);
      clock.advance(10_000);
    }
    expect(await bodies(dead.QueueUrl)).toEqual([]); // moved by the next receive, as on AWS
    expect(await bodies(QueueUrl)).toEqual([]);
    const [message] = await receive(dead.QueueUrl, { MessageSystemAttributeNames: ['All'] });
    expect(message).toMatchObject({
      MessageId,
      Body: 'poison',
      Attributes: { DeadLetterQueueSourceArn: arn },
    });
    clock.advance(10_000);
    expect(await bodies(QueueUrl)).toEqual([]);
  });

  it('hands out the good messages behind the poisonous ones in the same receive', async () => {
    const dead = templateQueue();
    const { QueueUrl } = templateQueue({
      visibilityTimeoutSeconds: 10,
      redrive: { deadLetterTargetArn: dead.arn, maxReceiveCount: 1 },
    });
    for (let index = 0; index < 10; index += 1) await send(QueueUrl, `poison ${index}`);
    expect(await bodies(QueueUrl)).toHaveLength(10);
    clock.advance(10_000);
    await send(QueueUrl, 'good');
    expect(await bodies(QueueUrl)).toEqual(['good']);
    expect(await bodies(dead.QueueUrl)).toHaveLength(10);
  });

  it('keeps a message whose dead-letter queue does not exist', async () => {
    const { QueueUrl } = templateQueue({
      visibilityTimeoutSeconds: 0,
      redrive: { deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:nowhere', maxReceiveCount: 1 },
    });
    await send(QueueUrl, 'kept');
    for (let receipt = 0; receipt < 3; receipt += 1) expect(await bodies(QueueUrl)).toEqual(['kept']);
  });
});

describe('a long poll', () => {
  const longPoll = (QueueUrl: string) => receive(QueueUrl, { WaitTimeSeconds: 20 });

  it('is answered by the arrival of a message', async () => {
    const { QueueUrl } = templateQueue();
    const polled = longPoll(QueueUrl);
    await send(QueueUrl, 'awaited');
    expect(await polled).toMatchObject([{ Body: 'awaited' }]);
  });

  it('is answered by a message that comes back', async () => {
    const { QueueUrl, arn } = templateQueue({ visibilityTimeoutSeconds: 30 });
    await send(QueueUrl, 'returning');
    await receive(QueueUrl);
    const polled = longPoll(QueueUrl);
    const waiting = new Promise<void>((resolve) => {
      const stop = engine.queues.onArrival(arn, () => {
        stop();
        resolve();
      });
    });
    // Whichever comes first, the poll's arrival or the message's return, it must end in the message.
    clock.advance(30_000);
    await waiting;
    expect(await polled).toMatchObject([{ Body: 'returning' }]);
  });

  it('gives one message to one of two waiters', async () => {
    const { QueueUrl } = templateQueue();
    const polls = [receive(QueueUrl, { WaitTimeSeconds: 1 }), receive(QueueUrl, { WaitTimeSeconds: 1 })];
    await send(QueueUrl, 'single');
    expect((await Promise.all(polls)).flat()).toHaveLength(1);
  });

  it('takes nothing for a client that has gone', async () => {
    const { QueueUrl } = templateQueue();
    const gone = new AbortController();
    const aborted = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
      abortSignal: gone.signal,
    });
    const held = receive(QueueUrl, { WaitTimeSeconds: 20 });
    gone.abort();
    await expect(aborted).rejects.toThrow();
    await send(QueueUrl, 'for the living');
    expect(await held).toMatchObject([{ Body: 'for the living' }]);
  });
});

describe('batch calls', () => {
  it('send and delete ten, and report what was refused by its id', async () => {
    const { QueueUrl } = templateQueue();
    const sent = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'good', MessageBody: 'one' },
          { Id: 'bad', MessageBody: 'two', DelaySeconds: 901 },
          { Id: 'also-good', MessageBody: 'three' },
        ],
      }),
    );
    expect(sent.Successful?.map((entry) => entry.Id)).toEqual(['good', 'also-good']);
    expect(sent.Failed).toMatchObject([{ Id: 'bad', Code: 'InvalidParameterValue', SenderFault: true }]);
    const received = await receive(QueueUrl);
    expect(received.map((message) => message.Body)).toEqual(['one', 'three']);
    const deleted = await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [
          ...received.map((message, index) => ({ Id: `m${index}`, ReceiptHandle: message.ReceiptHandle })),
          { Id: 'nonsense', ReceiptHandle: 'bm9uc2Vuc2U=' },
        ],
      }),
    );
    expect(deleted.Successful).toHaveLength(2);
    expect(deleted.Failed).toMatchObject([{ Id: 'nonsense', Code: 'ReceiptHandleIsInvalid' }]);
  });

  const entries = (count: number, id = (index: number) => `e${index}`) =>
    Array.from({ length: count }, (_, index) => ({ Id: id(index), MessageBody: 'x' }));
  it.each([
    ['no entry', [], 'EmptyBatchRequest'],
    ['eleven entries', entries(11), 'TooManyEntriesInBatchRequest'],
    ['an id twice', entries(2, () => 'same'), 'BatchEntryIdsNotDistinct'],
    ['an id with a blank', entries(1, () => 'a b'), 'InvalidBatchEntryId'],
    [
      'more than 1 MiB together',
      entries(2).map((entry) => ({ ...entry, MessageBody: 'x'.repeat(524_289) })),
      'BatchRequestTooLong',
    ],
  ])('refuse %s as a whole', async (_, Entries, name) => {
    const { QueueUrl } = templateQueue();
    const sent = sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    await expect(sent).rejects.toThrow(expect.objectContaining({ name }));
    expect(await bodies(QueueUrl)).toEqual([]);
  });
});

describe('what AWS refuses is refused by the same name', () => {
  it('takes a message of 1 MiB and refuses one byte more', async () => {
    const { QueueUrl } = templateQueue();
    await send(QueueUrl, 'x'.repeat(1_048_576));
    await expect(send(QueueUrl, 'x'.repeat(1_048_577))).rejects.toThrow(/1048576 bytes/);
  });

  it('a control character, an empty body', async () => {
    const { QueueUrl } = templateQueue();
    await expect(send(QueueUrl, 'a\u0001b')).rejects.toThrow(
      expect.objectContaining({ name: 'InvalidMessageContents' }),
    );
    await expect(send(QueueUrl, '')).rejects.toThrow(expect.objectContaining({ name: 'MissingParameter' }));
  });

  it('a queue that does not exist', async () => {
    const unknown = queueUrl(endpoint.url, 'nowhere');
    await expect(send(unknown, 'x')).rejects.toThrow(expect.objectContaining({ name: 'QueueDoesNotExist' }));
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'nowhere' }))).rejects.toThrow(
      expect.objectContaining({ name: 'QueueDoesNotExist' }),
    );
  });

  it('the handle of another queue', async () => {
    const { QueueUrl } = templateQueue();
    await send(QueueUrl, 'x');
    const [message] = await receive(QueueUrl);
    const other = templateQueue();
    await expect(
      sqs.send(new DeleteMessageCommand({ QueueUrl: other.QueueUrl, ReceiptHandle: message?.ReceiptHandle })),
    ).rejects.toThrow(expect.objectContaining({ name: 'ReceiptHandleIsInvalid' }));
  });

  it('an operation that is not here, by its name', async () => {
    await expect(sqs.send(new StartMessageMoveTaskCommand({ SourceArn: 'x' }))).rejects.toThrow(
      expect.objectContaining({
        name: 'NotImplemented',
        message: expect.stringContaining('StartMessageMoveTask'),
      }),
    );
  });
});

describe('a queue created over the wire', () => {
  it('lives by the wall clock: the virtual clock does not bring its messages back', async () => {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'users-own' }));
    await send(QueueUrl, 'held for 30 real seconds');
    expect(await bodies(QueueUrl)).toHaveLength(1);
    clock.advance(86_400_000);
    expect(await bodies(QueueUrl)).toEqual([]);
  });

  it('is found by name and by prefix, page by page, until it is deleted', async () => {
    const urls: string[] = [];
    for (const QueueName of ['listed-a', 'listed-b', 'listed-c']) {
      urls.push((await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? '');
    }
    const QueueNamePrefix = 'listed-';
    const first = await sqs.send(new ListQueuesCommand({ QueueNamePrefix, MaxResults: 2 }));
    const { NextToken } = first;
    const second = await sqs.send(new ListQueuesCommand({ QueueNamePrefix, MaxResults: 2, NextToken }));
    expect([...(first.QueueUrls ?? []), ...(second.QueueUrls ?? [])]).toEqual(urls);
    expect(second.NextToken).toBeUndefined();
    await sqs.send(new DeleteQueueCommand({ QueueUrl: urls[0] }));
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'listed-a' }))).rejects.toThrow();
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'listed-b' }))).QueueUrl).toBe(urls[1]);
  });

  it('is the same when asked for again, and refused with other attributes', async () => {
    const create = (VisibilityTimeout: string) =>
      sqs.send(new CreateQueueCommand({ QueueName: 'twice', Attributes: { VisibilityTimeout } }));
    expect((await create('40')).QueueUrl).toBe((await create('40')).QueueUrl);
    await expect(create('41')).rejects.toThrow(expect.objectContaining({ name: 'QueueNameExists' }));
  });

  it.each<[Record<string, string>, string]>([
    [{ VisibilityTimeout: '43201' }, 'InvalidAttributeValue'],
    [{ MessageRetentionPeriod: '59' }, 'InvalidAttributeValue'],
    [{ RedrivePolicy: '{"maxReceiveCount":3}' }, 'InvalidAttributeValue'],
    [{ RedrivePolicy: 'nonsense' }, 'InvalidAttributeValue'],
    [{ FifoQueue: 'true' }, 'InvalidAttributeValue'],
    [{ Nonsense: '1' }, 'InvalidAttributeName'],
  ])('is refused with %j', async (Attributes, name) => {
    await expect(sqs.send(new CreateQueueCommand({ QueueName: 'refused', Attributes }))).rejects.toThrow(
      expect.objectContaining({ name }),
    );
  });
});

describe('attributes of a queue', () => {
  const attributesOf = async (QueueUrl: string) => {
    const answer = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    return answer.Attributes ?? {};
  };

  it('count what is visible, in flight and delayed', async () => {
    const { QueueUrl, arn } = templateQueue();
    for (const body of ['a', 'b', 'c']) await send(QueueUrl, body);
    await send(QueueUrl, 'later', 60);
    await receive(QueueUrl, { MaxNumberOfMessages: 1 });
    expect(await attributesOf(QueueUrl)).toMatchObject({
      QueueArn: arn,
      ApproximateNumberOfMessages: '2',
      ApproximateNumberOfMessagesNotVisible: '1',
      ApproximateNumberOfMessagesDelayed: '1',
    });
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    expect(await attributesOf(QueueUrl)).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
      ApproximateNumberOfMessagesDelayed: '0',
    });
  });

  it('are changed, and the change holds for the next receive', async () => {
    const dead = templateQueue();
    const { QueueUrl } = templateQueue();
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 4 });
    const Attributes = { VisibilityTimeout: '7', RedrivePolicy };
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    expect(await attributesOf(QueueUrl)).toMatchObject(Attributes);
    await send(QueueUrl, 'x');
    await receive(QueueUrl);
    clock.advance(7_000);
    expect(await bodies(QueueUrl)).toEqual(['x']);
  });
});
