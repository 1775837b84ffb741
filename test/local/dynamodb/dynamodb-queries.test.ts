import type { QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createDynamoDbLedger } from '../../../functions/shared/adapters/dynamodb/ledger.ts';
import { createDynamoDbLedgerQueries } from '../../../functions/shared/adapters/dynamodb/ledger-queries.ts';
import { createSdkTableCalls } from '../../../functions/shared/adapters/dynamodb/sdk-table-calls.ts';
import { aJob, aPart, NOON } from '../../contracts/samples.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import {
  aKey,
  CONDITION_FAILED,
  CREATE,
  DUE,
  EVER_DUE,
  HAS,
  IDS,
  IN_STATUS,
  type Item,
  JOBS,
  n,
  PARTS,
  put,
  query,
  REPLACE,
  runTable,
  s,
  sdk,
  TableName,
} from './dynamodb-table.ts';

runTable();

/* Checks the local DynamoDB against the documentation of queries and sparse indexes. */

describe('a query', () => {
  const parts = async (pk: string, prefix: string, more: Partial<QueryCommandInput> = {}) => {
    const page = await query({
      KeyConditionExpression: PARTS,
      ExpressionAttributeValues: { ':pk': s(pk), ':prefix': s(prefix) },
      ConsistentRead: true,
      ...more,
    });
    return { found: page.Items?.map((item) => item.sk?.S), next: page.LastEvaluatedKey };
  };

  it('by a prefix of the sort key finds only the matching items, in byte order', async () => {
    const pk = aKey();
    for (const sk of [
      'PART#b#2',
      'META',
      'PART#a#1',
      'PART#a#10',
      'PART#a#9',
      'PART#',
      'part#a#1',
      'PART#ü',
      'PART#Z',
    ]) {
      await put({ pk: s(pk), sk: s(sk) });
    }
    await put({ pk: s(`${pk}0`), sk: s('PART#a#1') });
    expect((await parts(pk, 'PART#a#')).found).toEqual(['PART#a#1', 'PART#a#10', 'PART#a#9']);
    expect((await parts(pk, 'PART#')).found).toEqual([
      'PART#',
      'PART#Z',
      'PART#a#1',
      'PART#a#10',
      'PART#a#9',
      'PART#b#2',
      'PART#ü',
    ]);
    expect((await parts(pk, 'PART#c')).found).toEqual([]);
    expect((await parts(aKey(), 'PART#')).found).toEqual([]);
  });

  it('has pages of its limit, and a full page has a key even if nothing follows', async () => {
    const pk = aKey();
    for (const at of [1, 2, 3, 4]) await put({ pk: s(pk), sk: s(`PART#${at}`) });
    const first = await parts(pk, 'PART#', { Limit: 2 });
    expect(first).toEqual({ found: ['PART#1', 'PART#2'], next: { pk: s(pk), sk: s('PART#2') } });
    const second = await parts(pk, 'PART#', { Limit: 2, ExclusiveStartKey: first.next });
    expect(second).toEqual({ found: ['PART#3', 'PART#4'], next: { pk: s(pk), sk: s('PART#4') } });
    expect(await parts(pk, 'PART#', { Limit: 2, ExclusiveStartKey: second.next })).toEqual({
      found: [],
      next: undefined,
    });
  });

  it('has pages of about a megabyte by default', async () => {
    const pk = aKey();
    for (const at of [1, 2, 3, 4, 5])
      await put({ pk: s(pk), sk: s(`PART#${at}`), item: s('x'.repeat(300_000)) });
    const first = await parts(pk, 'PART#');
    expect(first.found).toHaveLength(4); // the item that exceeds the megabyte is the last one
    const rest = await parts(pk, 'PART#', { ExclusiveStartKey: first.next });
    expect(rest).toEqual({ found: ['PART#5'], next: undefined });
  });

  it('sees a write that has just completed', async () => {
    const pk = aKey();
    for (let version = 1; version <= 20; version += 1) {
      await put({ pk: s(pk), sk: s('META'), version: n(version) });
      const { Items } = await query({
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': s(pk) },
        ConsistentRead: true,
      });
      expect(Items?.[0]?.version).toEqual(n(version));
    }
  });

  it.each<[string, Partial<QueryCommandInput>]>([
    [
      'the partition is missing',
      {
        KeyConditionExpression: 'begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':prefix': s('P') },
      },
    ],
    [
      'the partition is a range',
      { KeyConditionExpression: 'pk > :pk', ExpressionAttributeValues: { ':pk': s('a') } },
    ],
    [
      'a condition is not on a key',
      {
        KeyConditionExpression: 'pk = :pk AND version = :v',
        ExpressionAttributeValues: { ':pk': s('a'), ':v': n(1) },
      },
    ],
    [
      'there is no such index',
      { IndexName: 'none', KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': s('a') } },
    ],
    [
      'a consistent read of an index is requested',
      {
        IndexName: 'due',
        ConsistentRead: true,
        KeyConditionExpression: 'dueShard = :shard',
        ExpressionAttributeValues: { ':shard': s('D#00') },
      },
    ],
    [
      'a number is compared with a text',
      {
        IndexName: 'due',
        KeyConditionExpression: DUE,
        ExpressionAttributeValues: { ':shard': s('D#00'), ':before': s('9') },
      },
    ],
    [
      'the limit is invalid',
      { Limit: 0, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': s('a') } },
    ],
  ])('fails if %s', async (_, input) => {
    await expect(query(input)).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

describe('the sparse index', () => {
  const due = async (shard: string, before: number, more: Partial<QueryCommandInput> = {}) => {
    const page = await query({
      IndexName: 'due',
      KeyConditionExpression: DUE,
      ExpressionAttributeValues: { ':shard': s(shard), ':before': n(before) },
      ...more,
    });
    return { items: page.Items ?? [], next: page.LastEvaluatedKey };
  };
  const times = (items: readonly Item[]) => items.map((item) => Number(item.dueAt?.N));

  it('has the items with both of its attributes, and no others', async () => {
    const shard = aKey();
    await put({ pk: s(aKey()), sk: s('META'), dueShard: s(shard), dueAt: n(1) });
    await put({ pk: s(aKey()), sk: s('META'), dueShard: s(shard) });
    await put({ pk: s(aKey()), sk: s('META'), dueAt: n(1) });
    await put({ pk: s(aKey()), sk: s('META') });
    expect((await due(shard, 9)).items).toHaveLength(1);
  });

  it('returns only the keys and the projected attributes', async () => {
    const [shard, pk] = [aKey(), aKey()];
    const seen = { pk: s(pk), sk: s('META'), dueShard: s(shard), dueAt: n(1), openBatch: s('text') };
    await put({ ...seen, item: s('text'), version: n(1) });
    expect((await due(shard, 9)).items).toEqual([seen]);
  });

  it('loses an item that is replaced by one without its attributes, and an item with a new index key', async () => {
    const [shard, other, pk] = [aKey(), aKey(), aKey()];
    const key = { pk: s(pk), sk: s('META') };
    await put({ ...key, dueShard: s(shard), dueAt: n(1) });
    await put({ ...key, dueShard: s(other), dueAt: n(5) });
    expect((await due(shard, 9)).items).toEqual([]);
    expect(times((await due(other, 9)).items)).toEqual([5]);
    await put(key);
    expect((await due(other, 9)).items).toEqual([]);
  });

  it('keeps an item whose replacement fails', async () => {
    const [shard, pk] = [aKey(), aKey()];
    const key = { pk: s(pk), sk: s('META') };
    await put({ ...key, version: n(8), dueShard: s(shard), dueAt: n(1) });
    const writing = put(key, {
      ConditionExpression: REPLACE,
      ExpressionAttributeValues: { ':version': n(7) },
    });
    await expect(writing).rejects.toMatchObject(CONDITION_FAILED);
    expect((await due(shard, 9)).items).toHaveLength(1);
  });

  it('is in numeric order, up to and including the bound', async () => {
    const shard = aKey();
    const all = [10, 9, 100, -5, 0, 1_700_000_000_000, 2.5, 1_699_999_999_999];
    for (const at of all) await put({ pk: s(aKey()), sk: s('META'), dueShard: s(shard), dueAt: n(at) });
    expect(times((await due(shard, 1_700_000_000_000)).items)).toEqual(all.toSorted((a, b) => a - b));
    expect(times((await due(shard, 10)).items)).toEqual([-5, 0, 2.5, 9, 10]);
    expect(times((await due(shard, 9.9)).items)).toEqual([-5, 0, 2.5, 9]);
  });

  it('pages through items that are due at the same time, each once', async () => {
    const shard = aKey();
    const keys = Array.from({ length: 7 }, () => aKey());
    for (const pk of keys) await put({ pk: s(pk), sk: s('META'), dueShard: s(shard), dueAt: n(5) });
    const found: (string | undefined)[] = [];
    let next: Item | undefined;
    do {
      const page = await due(shard, 5, { Limit: 2, ExclusiveStartKey: next });
      found.push(...page.items.map((item) => item.pk?.S));
      next = page.next;
    } while (next !== undefined);
    expect(found.toSorted()).toEqual(keys.toSorted());
  });
});

describe('the indexes of jobs', () => {
  const aJobItem = (shard: string, time: string, status: string) => {
    const key = { pk: s(`JOB#${aKey()}`), sk: s('META') };
    const indexed = { jobShard: s(shard), jobTime: s(time), jobIdPrefix: s(`${shard}-id`) };
    return { ...key, ...indexed, summary: { M: { status: s(status), rows: { M: { total: n(7) } } } } };
  };
  const jobs = async (shard: string, [from, to]: [string, string], more: Partial<QueryCommandInput> = {}) => {
    const page = await query({
      IndexName: 'jobs',
      KeyConditionExpression: JOBS,
      ScanIndexForward: false,
      ...more,
      ExpressionAttributeValues: {
        ...{ ':shard': s(shard), ':from': s(from), ':to': s(to) },
        ...more.ExpressionAttributeValues,
      },
    });
    return { found: page.Items ?? [], next: page.LastEvaluatedKey };
  };
  const timesOf = (items: readonly Item[]) => items.map(({ jobTime }) => jobTime?.S);

  it('lists a range of times backwards, including both ends, with the projected map', async () => {
    const shard = aKey();
    for (const time of ['2', '4', '1', '3'])
      await put({ ...aJobItem(shard, time, 'failed'), item: s('text') });
    const { found } = await jobs(shard, ['2', '3']);
    expect(timesOf(found)).toEqual(['3', '2']);
    const [newest] = found;
    expect(newest).not.toHaveProperty('item');
    expect(newest?.summary).toEqual({ M: { status: s('failed'), rows: { M: { total: n(7) } } } });
  });

  it('filters by a field of the map after the limit, and continues after the omitted items', async () => {
    const shard = aKey();
    for (const [nth, status] of ['failed', 'completed', 'completed', 'failed'].entries())
      await put(aJobItem(shard, String(nth), status));
    const failed = {
      FilterExpression: IN_STATUS,
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':status': s('failed') },
      Limit: 2,
    };
    const first = await jobs(shard, ['!', '~'], failed);
    expect(timesOf(first.found)).toEqual(['3']);
    const second = await jobs(shard, ['!', '~'], { ...failed, ExclusiveStartKey: first.next });
    expect(timesOf(second.found)).toEqual(['0']);
  });

  it('finds ids by prefix, sorted by the bytes of the key', async () => {
    const shard = aKey();
    const ids = ['ab2', 'ab1', 'b'].map((id) => `JOB#${id}`);
    for (const pk of ids) await put({ ...aJobItem(shard, '1', 'failed'), pk: s(pk) });
    const page = await query({
      IndexName: 'job-ids',
      KeyConditionExpression: IDS,
      ExpressionAttributeValues: { ':start': s(`${shard}-id`), ':key': s('JOB#ab') },
    });
    const keys = ['JOB#ab1', 'JOB#ab2'].map((pk) => ({
      ...{ pk: s(pk), sk: s('META') },
      jobIdPrefix: s(`${shard}-id`),
    }));
    expect(page.Items).toEqual(keys);
  });

  it('a filter by an existing attribute omits items without it', async () => {
    const shard = aKey();
    const due = { sk: s('META'), dueShard: s(shard), dueAt: n(1) };
    await put({ ...due, pk: s(aKey()) });
    await put({ ...due, pk: s(aKey()), stalled: s('why') });
    const page = await query({
      IndexName: 'due',
      KeyConditionExpression: EVER_DUE,
      FilterExpression: HAS,
      ExpressionAttributeNames: { '#wanted': 'stalled' },
      ExpressionAttributeValues: { ':shard': s(shard) },
    });
    expect(page.Items?.map(({ stalled }) => stalled?.S)).toEqual(['why']);
  });
});

it('these tests use the expressions that the ledger sends', async () => {
  const sent = new Set<string>();
  const client = sdk.dynamoDb;
  client.middlewareStack.add(
    (next) => (args) => {
      const { ConditionExpression, KeyConditionExpression, FilterExpression } = Object(args.input);
      for (const expression of [ConditionExpression, KeyConditionExpression, FilterExpression]) {
        if (typeof expression === 'string') sent.add(expression);
      }
      return next(args);
    },
    { step: 'initialize', name: 'listen' },
  );
  const options = { calls: createSdkTableCalls(client), tableName: TableName, clock: new ManualClock(NOON) };
  const ledger = createDynamoDbLedger(options);
  const queries = createDynamoDbLedgerQueries({ ...options, ledger });
  await ledger.createJob(aJob());
  await ledger.replaceJob(aJob());
  await ledger.createPart(aPart());
  await ledger.replacePart(aPart());
  await ledger.partsOf(aPart().jobId, aPart().planId);
  await ledger.putBatchPointer('batch_1', aPart(), NOON + 1);
  await ledger.replaceControl({ version: 0, paused: true });
  await ledger.replaceKeyPointer({ bucket: 'b', key: 'k', version: 0 });
  await ledger.due(0, NOON, 10);
  await queries.listJobs({ limit: 1, status: 'expired', since: NOON + 1 });
  await queries.jobIdsWith('none', 1);
  await queries.openJobs();
  await queries.listStalled();
  client.middlewareStack.remove('listen');
  const tested = [CREATE, DUE, EVER_DUE, HAS, IDS, IN_STATUS, JOBS, PARTS, REPLACE];
  expect([...sent].toSorted()).toEqual(tested.toSorted());
});
