import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { queueUrl } from '../../../local/aws/sqs/queue.ts';
import {
  bodies,
  clock,
  endpoint,
  receive,
  runSqsEngine,
  send,
  sqs,
  templateQueue,
} from './sqs-engine-fixture.ts';

runSqsEngine();

describe('batch calls', () => {
  it('send and delete ten, and report failed entries by their id', async () => {
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
  ])('fail as a whole with %s', async (_, Entries, name) => {
    const { QueueUrl } = templateQueue();
    const sent = sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    await expect(sent).rejects.toThrow(expect.objectContaining({ name }));
    expect(await bodies(QueueUrl)).toEqual([]);
  });
});

describe('an error has the same name as on AWS for', () => {
  it('a message one byte above 1 MiB', async () => {
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

  it('an operation that is not implemented', async () => {
    await expect(sqs.send(new StartMessageMoveTaskCommand({ SourceArn: 'x' }))).rejects.toThrow(
      expect.objectContaining({
        name: 'NotImplemented',
        message: expect.stringContaining('StartMessageMoveTask'),
      }),
    );
  });
});

describe('a queue created by a program', () => {
  it('uses the wall clock, so the virtual clock does not make its messages visible', async () => {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'users-own' }));
    await send(QueueUrl, 'held for 30 real seconds');
    expect(await bodies(QueueUrl)).toHaveLength(1);
    clock.advance(86_400_000);
    expect(await bodies(QueueUrl)).toEqual([]);
  });

  it('is found by name and by prefix, in pages, until it is deleted', async () => {
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

  it('is the same if created again, and fails with other attributes', async () => {
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
  ])('fails with %j', async (Attributes, name) => {
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

  it('count visible, in-flight and delayed messages', async () => {
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

  it('can be changed, with effect on the next receive', async () => {
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
