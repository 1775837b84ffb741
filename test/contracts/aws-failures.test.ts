import { crc32 } from 'node:zlib';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDynamoDbLedger } from '../../functions/shared/adapters/dynamodb/ledger.ts';
import { createEventBridgeBus } from '../../functions/shared/adapters/eventbridge/bus.ts';
import { openS3Client } from '../../functions/shared/adapters/s3/open-client.ts';
import { createS3RequestFiles } from '../../functions/shared/adapters/s3/request-files.ts';
import { createS3ResultStore } from '../../functions/shared/adapters/s3/result-store.ts';
import { createSqsWorkQueues } from '../../functions/shared/adapters/sqs/work-queues.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { localAws, localTableCalls } from './ledger/local-dynamodb.ts';
import {
  html,
  json,
  reset,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from './openai/scripted-server.ts';
import { aJob, anEvent, NOON } from './samples.ts';
import { bytesOf, patternOf } from './storage/bytes.ts';

const RETRY_LATER = { name: 'RetryableError' };

let server: ScriptedServer;
let once: ReturnType<typeof localAws> & { maxAttempts: number };
beforeEach(async () => {
  server = await startScriptedServer();
  once = { ...localAws(server.url), maxAttempts: 1 };
});
afterEach(() => server.close());

describe('the ledger on DynamoDB', () => {
  const clock = new ManualClock(NOON);
  const ledger = (maxAttempts = 1) =>
    createDynamoDbLedger({
      calls: localTableCalls(server.url, { maxAttempts }),
      tableName: 'ledger',
      clock,
    });
  const amz = (type: string) =>
    json(400, { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'No.' });

  it.each<[string, ScriptedAnswer]>([
    ['throttling', amz('ProvisionedThroughputExceededException')],
    ['the limit of requests', amz('RequestLimitExceeded')],
    ['a 500', json(500, { __type: 'InternalServerError' })],
    ['a 503 of a gateway', html(503)],
    ['a reset', reset],
  ])('throws a retryable error after %s', async (_, answer) => {
    server.answerWith(answer);
    await expect(ledger().readJob('j')).rejects.toMatchObject(RETRY_LATER);
    await expect(ledger().createJob(aJob())).rejects.toMatchObject(RETRY_LATER);
    await expect(ledger().replaceJob(aJob())).rejects.toMatchObject(RETRY_LATER);
    await expect(ledger().partsOf('j', 'p')).rejects.toMatchObject(RETRY_LATER);
    await expect(ledger().due(3, NOON, 10)).rejects.toMatchObject(RETRY_LATER);
    await expect(
      ledger().putBatchPointer('b', { jobId: 'j', planId: 'p', number: 1 }, NOON),
    ).rejects.toMatchObject(RETRY_LATER);
  });

  it('waits, without counting a try, while access is denied', async () => {
    for (const type of ['AccessDeniedException', 'KMSInvalidStateException', 'UnrecognizedClientException']) {
      server.answerWith(amz(type));
      await expect(ledger().readJob('j')).rejects.toMatchObject({
        ...RETRY_LATER,
        waitsFor: 'unreachable',
        said: expect.stringContaining(type),
      });
    }
  });

  it('throws a plain error for a mistake in the deployment', async () => {
    for (const type of ['ResourceNotFoundException', 'ValidationException']) {
      server.answerWith(amz(type));
      await expect(ledger().readJob('j')).rejects.toMatchObject({
        name: 'Error',
        message: expect.stringContaining(type),
      });
    }
  });

  it('recognizes its own write when the response was lost and the write was repeated', async () => {
    let written: { writeId?: unknown } = {};
    const itsOwn: ScriptedAnswer = (response, request) => json(200, { Item: written })(response, request);
    server.answerWith(
      (response, request) => {
        written = (JSON.parse(server.requests[0]?.body ?? '{}') as { Item: typeof written }).Item;
        reset(response, request);
      },
      amz('ConditionalCheckFailedException'),
      itsOwn,
    );
    expect(await ledger(2).replaceJob(aJob())).toBe(true);
    expect(written.writeId).toBeDefined();

    server.answerWith(
      amz('ConditionalCheckFailedException'),
      json(200, { Item: { writeId: { S: 'another' } } }),
    );
    expect(await ledger().replaceJob(aJob())).toBe(false);
  });
});

const BUS_ARN = 'arn:aws-cn:events:cn-north-1:111111111111:event-bus/status';

describe('the bus on EventBridge', () => {
  const bus = () => createEventBridgeBus({ client: new EventBridgeClient(once), busArn: BUS_ARN });
  const accepted = { EventId: 'e' };
  const failed = { ErrorCode: 'InternalFailure', ErrorMessage: 'No.' };
  const events = ['a', 'b', 'c'].map((id) => anEvent(id));
  const sentIds = () =>
    server.requests.map(({ body }) =>
      (JSON.parse(body) as { Entries: { Detail: string }[] }).Entries.map(
        ({ Detail }) => (JSON.parse(Detail) as { metadata: { id: string } }).metadata.id,
      ),
    );

  it('sends refused events once more, and only these', async () => {
    server.answerWith(
      json(200, { FailedEntryCount: 1, Entries: [accepted, failed, accepted] }),
      json(200, { FailedEntryCount: 0, Entries: [accepted] }),
    );
    expect(await bus().publish(events)).toEqual({ refused: [] });
    expect(sentIds()).toEqual([['a', 'b', 'c'], ['b']]);
  });

  it('returns the ids of events that were refused twice', async () => {
    server.answerWith(
      json(200, { FailedEntryCount: 2, Entries: [failed, accepted, failed] }),
      json(200, { FailedEntryCount: 1, Entries: [accepted, failed] }),
    );
    expect(await bus().publish(events)).toEqual({ refused: ['c'] });
  });

  it('throws when the response does not say which events were refused', async () => {
    server.answerWith(json(200, { FailedEntryCount: 1, Entries: [accepted] }));
    await expect(bus().publish(events)).rejects.toMatchObject(RETRY_LATER);
  });

  it('sends at most 10 entries and less than 1 MB per call', async () => {
    server.answerWith((response, request) => {
      const { Entries } = JSON.parse(server.requests.at(-1)?.body ?? '') as { Entries: unknown[] };
      json(200, { FailedEntryCount: 0, Entries: Entries.map(() => accepted) })(response, request);
    });
    const large = Array.from({ length: 12 }, (_, n) => anEvent(`large-${n}`, 'ü'.repeat(150_000)));
    await bus().publish([...large, ...Array.from({ length: 25 }, (_, n) => anEvent(`small-${n}`))]);
    for (const { body } of server.requests) {
      expect((JSON.parse(body) as { Entries: unknown[] }).Entries.length).toBeLessThanOrEqual(10);
      expect(Buffer.byteLength(body)).toBeLessThan(1_048_576);
    }
    expect(sentIds().flat()).toHaveLength(37);
  });

  it('throws a retryable error after throttling and after a reset', async () => {
    server.answerWith(json(400, { __type: 'ThrottlingException' }));
    await expect(bus().publish(events)).rejects.toMatchObject(RETRY_LATER);
    server.answerWith(reset);
    await expect(bus().publish(events)).rejects.toMatchObject(RETRY_LATER);
  });
});

describe('the queues on SQS', () => {
  const queues = () =>
    createSqsWorkQueues({
      client: new SQSClient({ ...once, md5: false }),
      urls: { intake: `${server.url}/000000000000/intake` },
    });

  it('throw an error with the number of refused messages', async () => {
    const Successful = [{ Id: '0', MessageId: 'm', MD5OfMessageBody: 'x' }];
    const Failed = [{ Id: '1', Code: 'InternalError', SenderFault: false }];
    server.answerWith(json(200, { Successful, Failed }));
    const sent = queues().send([
      { to: 'intake', jobId: 'a' },
      { to: 'intake', jobId: 'b' },
    ]);
    await expect(sent).rejects.toMatchObject({
      ...RETRY_LATER,
      message: expect.stringMatching(/1 of 2.*InternalError/),
    });
  });

  it('throw a retryable error after a 500, and a plain error for a queue that they do not have', async () => {
    server.answerWith(json(500, {}));
    await expect(queues().send([{ to: 'intake', jobId: 'a' }])).rejects.toMatchObject(RETRY_LATER);
    await expect(queues().send([{ to: 'finish', jobId: 'a' }])).rejects.toMatchObject({ name: 'Error' });
  });
});

describe('a file on S3', () => {
  const body = patternOf(300_000);
  const file = { bucket: 'requests', key: 'a.jsonl', versionId: 'v1' };
  const files = () => createS3RequestFiles({ client: s3(), owner: '000000000000' });
  const s3 = () => openS3Client({ ...once, forcePathStyle: true });
  const asked = () => server.requests.map(({ headers }) => headers.range);

  /** Sends the requested range, but breaks off after `mostBytes`. */
  const content =
    (mostBytes: number, whole = body): ScriptedAnswer =>
    (response, request) => {
      const [, from = '0', to = String(whole.length - 1)] =
        /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      const wanted = whole.subarray(Number(from), Number(to) + 1);
      const range = { 'content-range': `bytes ${from}-${Number(from) + wanted.length - 1}/${whole.length}` };
      const isRanged = request.headers.range !== undefined;
      response.writeHead(isRanged ? 206 : 200, {
        'content-length': wanted.length,
        etag: '"e"',
        ...(isRanged ? range : {}),
      });
      if (mostBytes >= wanted.length) response.end(wanted);
      else response.write(wanted.subarray(0, mostBytes), () => response.destroy());
    };

  it('is read from where the connection broke, if it is still the same object', async () => {
    server.answerWith(content(100_000), content(50_000), content(Number.POSITIVE_INFINITY));
    expect((await bytesOf(files().read(file))).equals(body)).toBe(true);
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]?.headers['if-match']).toBe('"e"');
  });

  it('is resumed within its range', async () => {
    server.answerWith(content(1_000), content(Number.POSITIVE_INFINITY));
    const read = await bytesOf(files().read(file, { start: 5_000, end: 9_000 }));
    expect(read.equals(body.subarray(5_000, 9_000))).toBe(true);
    expect(asked()).toEqual(['bytes=5000-8999', 'bytes=6000-8999']);
  });

  it('that breaks off again and again throws a retryable error', async () => {
    server.answerWith(content(10));
    await expect(bytesOf(files().read(file))).rejects.toMatchObject(RETRY_LATER);
    expect(server.requests.length).toBeLessThan(6);
  });

  it('that breaks off again and again is read to its end as long as it makes progress', async () => {
    const large = patternOf(12 * 1024 * 1024);
    server.answerWith(content(2 * 1024 * 1024, large));
    expect((await bytesOf(files().read(file))).equals(large)).toBe(true);
    expect(server.requests.length).toBeGreaterThan(5);
  });

  it.each<[string, Record<string, string>, object]>([
    [
      'encrypted by a KMS key has a random ETag',
      { 'x-amz-server-side-encryption': 'aws:kms' },
      { etagIsRandom: true },
    ],
    [
      'encrypted twice by a KMS key has a random ETag',
      { 'x-amz-server-side-encryption': 'aws:kms:dsse' },
      { etagIsRandom: true },
    ],
    ["encrypted by S3's key has none", { 'x-amz-server-side-encryption': 'AES256' }, {}],
    [
      'with a checksum of all its bytes has that one',
      { 'x-amz-checksum-type': 'FULL_OBJECT', 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' },
      { checksum: { algorithm: 'CRC64NVME', value: 'AAAAAAAAAAA=' } },
    ],
    [
      "with a checksum of its parts' checksums has none",
      { 'x-amz-checksum-type': 'COMPOSITE', 'x-amz-checksum-sha256': `${'A'.repeat(43)}=-2` },
      {},
    ],
  ])('%s', async (_, headers, expected) => {
    const modified = new Date(NOON).toUTCString();
    server.answerWith((response) =>
      response
        .writeHead(200, { etag: '"e"', 'content-length': '4', 'last-modified': modified, ...headers })
        .end(),
    );
    const facts = { size: 4, etag: 'e', lastModified: NOON, metadata: {} };
    expect(await files().head(file)).toEqual({ ...facts, ...expected });
    expect(server.requests[0]?.headers['x-amz-checksum-mode']).toBe('ENABLED');
  });

  it('that does not match its checksum is refused', async () => {
    const checksum = { etag: '"e"', 'content-length': '4', 'x-amz-checksum-type': 'FULL_OBJECT' };
    server.answerWith((response) =>
      response.writeHead(200, { ...checksum, 'x-amz-checksum-crc32': 'AAAAAA==' }).end('text'),
    );
    await expect(bytesOf(files().read(file))).rejects.toMatchObject(RETRY_LATER);
    expect(server.requests).toHaveLength(1); // bytes that were already returned cannot be replaced
    const right = Buffer.alloc(4);
    right.writeUInt32BE(crc32('text'));
    server.answerWith((response) =>
      response.writeHead(200, { ...checksum, 'x-amz-checksum-crc32': right.toString('base64') }).end('text'),
    );
    expect((await bytesOf(files().read(file))).toString()).toBe('text');
  });

  it('that has been replaced when the read resumes counts as gone', async () => {
    server.answerWith(content(10), (response) => response.writeHead(412).end());
    await expect(bytesOf(files().read(file))).rejects.toMatchObject({
      name: 'TerminalError',
      code: 'object_gone',
    });
  });

  it('throws a retryable error after SlowDown, a 500, a reset and a 403, each without counting a try', async () => {
    const slowDown = '<Error><Code>SlowDown</Code><Message>Please</Message></Error>';
    server.answerWith((response) =>
      response.writeHead(503, { 'content-type': 'application/xml' }).end(slowDown),
    );
    await expect(bytesOf(files().read(file))).rejects.toMatchObject(RETRY_LATER);
    await expect(files().head(file)).rejects.toMatchObject(RETRY_LATER);
    server.answerWith(html(500));
    await expect(files().head(file)).rejects.toMatchObject(RETRY_LATER);
    server.answerWith(reset);
    await expect(files().head(file)).rejects.toMatchObject(RETRY_LATER);
    server.answerWith((response) => response.writeHead(403).end());
    await expect(files().head(file)).rejects.toMatchObject({ ...RETRY_LATER, waitsFor: 'unreachable' });
  });

  it('is written with the expected owner of its bucket', async () => {
    server.answerWith((response) => response.writeHead(200, { etag: '"e"' }).end());
    const results = createS3ResultStore({ client: s3(), bucket: 'results', owner: '123456789012' });
    await results.put('key', 'text', 'text/plain');
    expect(server.requests[0]?.headers['x-amz-expected-bucket-owner']).toBe('123456789012');
  });

  it('that could not be removed causes an error with the number of such objects', async () => {
    const refused = '<DeleteResult><Error><Key>a</Key><Code>InternalError</Code></Error></DeleteResult>';
    server.answerWith((response) =>
      response.writeHead(200, { 'content-type': 'application/xml' }).end(refused),
    );
    const results = createS3ResultStore({ client: s3(), bucket: 'results', owner: '000000000000' });
    await expect(results.remove(['a', 'b'])).rejects.toMatchObject({
      ...RETRY_LATER,
      message: expect.stringMatching(/remove 2 objects: S3 refused 1.*InternalError/),
    });
  });
});
