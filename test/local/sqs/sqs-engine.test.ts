import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { describe, expect, it, vi } from 'vitest';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import {
  bodies,
  clock,
  engine,
  receive,
  runSqsEngine,
  send,
  sqs,
  templateQueue,
} from './sqs-engine-fixture.ts';

runSqsEngine();

const HANGS_AFTER_MS = 60_000;

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
    // Computed with Python's hashlib over the documented layout.
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

  it('has only the requested attributes', async () => {
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

  it('becomes visible after its visibility time-out, with its receipts counted', async () => {
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

  it('is not deleted by the handle of an earlier receipt', async () => {
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

  it('is hidden longer, or visible at once, if its visibility time-out is changed', async () => {
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

  it('with a delay is not received before the delay ends', async () => {
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

  it('is deleted when its retention ends', async () => {
    const { QueueUrl } = templateQueue({ retentionSeconds: 60, visibilityTimeoutSeconds: 0 });
    await send(QueueUrl, 'old');
    clock.advance(59_999);
    expect(await bodies(QueueUrl)).toEqual(['old']);
    clock.advance(1);
    expect(await bodies(QueueUrl)).toEqual([]);
  });
});

describe('redrive', () => {
  it('moves a message to the dead-letter queue after the allowed number of receipts', async () => {
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

  it('returns the good messages after the poisonous ones in the same receive', async () => {
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

  it('keeps a message if the dead-letter queue does not exist', async () => {
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

  it('returns when a message arrives', async () => {
    const { QueueUrl } = templateQueue();
    const polled = longPoll(QueueUrl);
    await send(QueueUrl, 'awaited');
    expect(await polled).toMatchObject([{ Body: 'awaited' }]);
  });

  it('returns when a message becomes visible again', async () => {
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
    // Whichever is first, the poll or the message, the poll must return the message.
    clock.advance(30_000);
    await waiting;
    expect(await polled).toMatchObject([{ Body: 'returning' }]);
  });

  it('returns a delayed message when the delay ends, and not before', async () => {
    const { arn } = templateQueue();
    const arrivals: number[] = [];
    const stop = engine.queues.onArrival(arn, () => arrivals.push(clock.now()));
    const sentAt = clock.now();
    engine.queues.send(arn, 'later', { delaySeconds: 5 });
    clock.advance(10_000);
    stop();
    engine.queues.send(arn, 'unheard');
    expect(arrivals).toEqual([sentAt + 5_000]);
  });

  it('gives one message to one of two waiters', async () => {
    const { QueueUrl } = templateQueue();
    const polls = [receive(QueueUrl, { WaitTimeSeconds: 1 }), receive(QueueUrl, { WaitTimeSeconds: 1 })];
    await send(QueueUrl, 'single');
    expect((await Promise.all(polls)).flat()).toHaveLength(1);
  });

  it('receives nothing for a client that has disconnected', async () => {
    const { arn, QueueUrl } = templateQueue();
    const seen = { arrived: false, closed: false };
    const watched = await startEndpoint({
      port: 0,
      services: [
        {
          signingName: 'sqs',
          close: async () => {},
          handle: (request, response) => {
            request.on('end', () => setImmediate(() => Object.assign(seen, { arrived: true })));
            response.on('close', () => Object.assign(seen, { closed: true }));
            return engine.handle(request, response);
          },
        },
      ],
    });
    const body = JSON.stringify({ QueueUrl, WaitTimeSeconds: 20 });
    const gone = new AbortController();
    const headers = {
      authorization: 'AWS4-HMAC-SHA256 Credential=k/20261121/us-east-1/sqs/aws4_request, x',
      'x-amz-target': 'AmazonSQS.ReceiveMessage',
    };
    const poll = fetch(watched.url, { method: 'POST', headers, body, signal: gone.signal });
    await vi.waitUntil(() => seen.arrived, HANGS_AFTER_MS);
    gone.abort();
    await expect(poll).rejects.toThrow();
    await vi.waitUntil(() => seen.closed, HANGS_AFTER_MS);
    engine.queues.send(arn, 'for the living');
    expect(engine.queues.counts(engine.queues.byArn(arn))).toMatchObject({ visible: 1, inFlight: 0 });
    await watched.close();
  });
});
