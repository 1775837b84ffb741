import { randomBytes } from 'node:crypto';
import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoDbCallbacks } from '../../../functions/shared/adapters/dynamodb/callbacks.ts';
import { createS3RequestCopies } from '../../../functions/shared/adapters/s3/request-copies.ts';
import { createStepFunctionsTasks } from '../../../functions/shared/adapters/stepfunctions/waiting-tasks.ts';
import { TASK_ERRORS } from '../../../functions/shared/contract/messages/start-request.ts';
import { LOCAL_ACCOUNT } from '../../../local/aws/protocol/aws-service.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { createInMemoryCallbacks } from '../../fakes/workflows/in-memory-callbacks.ts';
import { createInMemoryCopies } from '../../fakes/workflows/in-memory-copies.ts';
import { createInMemoryTasks } from '../../fakes/workflows/in-memory-tasks.ts';
import { createLedgerTable, startDynamoDb } from '../ledger/local-dynamodb.ts';
import { NOON } from '../samples.ts';
import { startS3 } from '../storage/local-s3.ts';
import { describeCallbacksContract } from './callbacks.contract.ts';
import { startStepFunctions } from './step-functions-server.ts';
import { describeTasksContract } from './tasks.contract.ts';

let dynamoDb: Awaited<ReturnType<typeof startDynamoDb>>;
let s3: Awaited<ReturnType<typeof startS3>>;
let tables = 0;
beforeAll(async () => {
  dynamoDb = await startDynamoDb();
  s3 = await startS3();
});
afterAll(async () => {
  await dynamoDb.close();
  await s3.close();
});

describeCallbacksContract('the fake', async () => {
  const clock = new ManualClock(NOON);
  return { callbacks: createInMemoryCallbacks({ clock }), clock };
});

describeCallbacksContract('DynamoDB', async () => {
  tables += 1;
  const tableName = `callbacks-${tables}`;
  await createLedgerTable(dynamoDb.client, tableName);
  const clock = new ManualClock(NOON);
  return { callbacks: createDynamoDbCallbacks({ calls: dynamoDb.calls, tableName, clock }), clock };
});

describeTasksContract('the fake', async () => {
  const state = createInMemoryTasks();
  return { tasks: state, state, close: async () => {} };
});

describeTasksContract('Step Functions', async () => {
  const { client, state, close } = await startStepFunctions();
  return { tasks: createStepFunctionsTasks(client), state, close };
});

describe('Step Functions', () => {
  it.each([
    { status: 500, type: 'InternalServerError' },
    { status: 400, type: 'ThrottlingException' },
    { status: 400, type: 'AccessDeniedException' },
    { status: 400, type: 'KmsAccessDeniedException' },
    { status: 400, type: 'ValidationException' },
    { status: 400, type: 'InvalidOutput' },
  ])('with $type is tried again later, and nothing of the error has the token', async (error) => {
    const { client, failNext, close } = await startStepFunctions();
    try {
      failNext(1, error);
      const failure = await createStepFunctionsTasks(client)
        .fail('secret-token', TASK_ERRORS.failed, '{}')
        .then(
          () => undefined,
          (thrown: Error) => thrown,
        );
      expect(failure).toMatchObject({ name: 'RetryableError', cause: undefined });
      expect(`${failure?.stack}`).toContain(error.type);
      expect(JSON.stringify([failure, `${failure?.stack}`])).not.toContain('secret-token');
    } finally {
      await close();
    }
  });
});

describe('copies into the request bucket', () => {
  const NEVER = new AbortController().signal;
  const MIB = 1024 ** 2;
  const SIZES = { atOnce: 6 * MIB, part: 5 * MIB, partsAtOnce: 2 };
  const copiesTo = (owner = LOCAL_ACCOUNT) =>
    createS3RequestCopies({ client: s3.client, owner, sizes: SIZES });
  const put = (Key: string, Body: Uint8Array | string, more: object = {}) =>
    s3.client.send(new PutObjectCommand({ Bucket: 'results', Key, Body, ...more }));
  const source = async (key: string) => {
    const facts = await copiesTo().look({ bucket: 'results', key });
    return { bucket: 'results', key, size: facts?.size ?? -1, etag: facts?.etag ?? '' };
  };
  const target = (key: string) => ({ bucket: 'requests', key, metadata: { 'batch-team': 'search' } });

  it.each([
    ['at once', 6 * MIB],
    ['in parts', 6 * MIB + 1],
    ['in many parts', 16 * MIB + 3],
    ['empty', 0],
  ])('%s have the bytes and new metadata, without the tags of the source', async (name, bytes) => {
    const key = `from ü+%/${name}.jsonl`;
    const body = randomBytes(bytes);
    await put(key, body, { Metadata: { old: 'x' }, Tagging: 'batchdrop-job=ended' });
    await copiesTo().copy(await source(key), target(`to ü+%/${name}.jsonl`), NEVER);
    const copied = { Bucket: 'requests', Key: `to ü+%/${name}.jsonl` };
    const { Body, Metadata, ContentType } = await s3.client.send(new GetObjectCommand(copied));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    expect({ Metadata, ContentType }).toEqual({
      Metadata: { 'batch-team': 'search' },
      ContentType: 'application/jsonl',
    });
    expect((await s3.client.send(new GetObjectTaggingCommand(copied))).TagSet).toEqual([]);
  });

  it('of the same file have the same facts, so that the second joins the first', async () => {
    const copies = copiesTo();
    await put('twice.jsonl', randomBytes(7 * MIB));
    const facts = [];
    for (const key of ['one.jsonl', 'two.jsonl']) {
      await copies.copy(await source('twice.jsonl'), target(key), NEVER);
      const head = await copies.look({ bucket: 'requests', key });
      facts.push({ size: head?.size, etag: head?.etag, checksum: head?.checksum });
    }
    expect(facts[0]).toEqual(facts[1]);
  });

  it('onto the file itself make a new version with other metadata', async () => {
    const Body = 'x';
    await s3.client.send(new PutObjectCommand({ Bucket: 'requests', Key: 'self.jsonl', Body }));
    const self = { bucket: 'requests', key: 'self.jsonl' };
    const facts = await copiesTo().look(self);
    await copiesTo().copy({ ...self, size: 1, etag: facts?.etag ?? '' }, target('self.jsonl'), NEVER);
    const { Metadata } = await s3.client.send(
      new HeadObjectCommand({ Bucket: 'requests', Key: 'self.jsonl' }),
    );
    expect(Metadata).toEqual({ 'batch-team': 'search' });
  });

  it.each([
    ['at once', 10],
    ['in parts', 7 * MIB],
  ])('%s of a file that was replaced or deleted meanwhile fail, and leave nothing', async (_, bytes) => {
    await put('changing.jsonl', randomBytes(bytes));
    const before = await source('changing.jsonl');
    await put('changing.jsonl', randomBytes(bytes));
    const copies = copiesTo();
    await expect(copies.copy(before, target('never.jsonl'), NEVER)).rejects.toMatchObject({
      code: 'object_gone',
    });
    const gone = { ...before, key: 'missing.jsonl' };
    await expect(copies.copy(gone, target('never.jsonl'), NEVER)).rejects.toMatchObject({
      code: 'object_gone',
    });
    expect(await copies.look({ bucket: 'requests', key: 'never.jsonl' })).toBeUndefined();
    const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: 'requests' }));
    expect(Uploads).toEqual([]);
  });

  it('end when their time is over, and leave nothing', async () => {
    await put('slow.jsonl', randomBytes(7 * MIB));
    const copy = copiesTo().copy(await source('slow.jsonl'), target('late.jsonl'), AbortSignal.abort());
    await expect(copy).rejects.toMatchObject({ name: 'RetryableError' });
    expect(await copiesTo().look({ bucket: 'requests', key: 'late.jsonl' })).toBeUndefined();
  });

  it('go to no bucket of another owner', async () => {
    await put('a.jsonl', 'x');
    const copy = copiesTo('999999999999').copy(await source('a.jsonl'), target('stolen.jsonl'), NEVER);
    await expect(copy).rejects.toMatchObject({ name: 'RetryableError', waitsFor: 'unreachable' });
  });

  it('report metadata for which S3 has no space', async () => {
    await put('a.jsonl', 'x');
    const metadata = { 'batch-team': 'x'.repeat(2_048) };
    const copy = copiesTo().copy(await source('a.jsonl'), { ...target('big.jsonl'), metadata }, NEVER);
    await expect(copy).rejects.toMatchObject({ code: 'metadata_too_large' });
  });

  it('of the fake report a missing file, a denied one, and a change like those of S3', async () => {
    const fake = createInMemoryCopies({ clock: new ManualClock(NOON) });
    fake.put('results', 'a.jsonl', 'x', { 'Batch-Team': 'a' });
    await put('facts.jsonl', 'x', { Metadata: { 'batch-team': 'a' } });
    expect(await fake.look({ bucket: 'results', key: 'a.jsonl' })).toEqual(
      await copiesTo().look({ bucket: 'results', key: 'facts.jsonl' }),
    );
    expect(await fake.look({ bucket: 'results', key: 'none' })).toBeUndefined();
    expect(await copiesTo().look({ bucket: 'results', key: 'none' })).toBeUndefined();
    expect(await copiesTo().look({ bucket: 'nobody', key: 'none' })).toBeUndefined();
    const stale = { bucket: 'results', key: 'a.jsonl', size: 1, etag: 'other' };
    await expect(fake.copy(stale, target('b.jsonl'), NEVER)).rejects.toMatchObject({ code: 'object_gone' });
  });
});
