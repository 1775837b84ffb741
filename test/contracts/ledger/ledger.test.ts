import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoDbLedger } from '../../../functions/shared/adapters/dynamodb/ledger.ts';
import { jobKey, partKey } from '../../../functions/shared/adapters/dynamodb/ledger-keys.ts';
import { createDynamoDbLedgerQueries } from '../../../functions/shared/adapters/dynamodb/ledger-queries.ts';
import { createSdkTableCalls } from '../../../functions/shared/adapters/dynamodb/sdk-table-calls.ts';
import { createInMemoryLedger } from '../../fakes/in-memory-ledger.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { aBatch, aJob, aPart, NOON } from '../samples.ts';
import { describeLedgerContract } from './ledger.contract.ts';
import { describeQueriesContract } from './ledger-queries.contract.ts';
import { createLedgerTable, startDynamoDb } from './local-dynamodb.ts';

let dynamoDb: Awaited<ReturnType<typeof startDynamoDb>>;
let tables = 0;
beforeAll(async () => {
  dynamoDb = await startDynamoDb();
});
afterAll(() => dynamoDb.close());

async function aTable(): Promise<string> {
  tables += 1;
  await createLedgerTable(dynamoDb.client, `ledger-${tables}`);
  return `ledger-${tables}`;
}

describeLedgerContract('the fake', async () => {
  const clock = new ManualClock(NOON);
  return { ledger: createInMemoryLedger({ clock }), clock, close: async () => {} };
});

describeLedgerContract('DynamoDB', async () => {
  const clock = new ManualClock(NOON);
  const ledger = createDynamoDbLedger({ calls: dynamoDb.calls, tableName: await aTable(), clock });
  return { ledger, clock, close: async () => {} };
});

describeLedgerContract('DynamoDB, by the client of the SDK', async () => {
  const clock = new ManualClock(NOON);
  const calls = createSdkTableCalls(dynamoDb.client);
  return {
    ledger: createDynamoDbLedger({ calls, tableName: await aTable(), clock }),
    clock,
    close: async () => {},
  };
});

describeQueriesContract('the fake', async () => {
  const clock = new ManualClock(NOON);
  const ledger = createInMemoryLedger({ clock });
  return { ledger, queries: ledger.queries, clock };
});

describeQueriesContract('DynamoDB', async () => {
  const clock = new ManualClock(NOON);
  const options = { calls: createSdkTableCalls(dynamoDb.client), tableName: await aTable(), clock };
  const ledger = createDynamoDbLedger(options);
  return { ledger, queries: createDynamoDbLedgerQueries({ ...options, ledger }), clock };
});

describe('the fake ledger', () => {
  it('shows an earlier state in its index, but always the current state in an item', async () => {
    const clock = new ManualClock(NOON);
    const ledger = createInMemoryLedger({ clock, dueLagMs: 1_000 });
    const dueJobs = async () => {
      const shards = Array.from({ length: 16 }, (_, shard) => ledger.due(shard, NOON + 60_000, 10));
      return (await Promise.all(shards)).flat().length;
    };
    await ledger.createJob(aJob({ dueAt: NOON }));
    expect(await dueJobs()).toBe(0);
    clock.advance(1_000);
    expect(await dueJobs()).toBe(1);
    await ledger.replaceJob(aJob());
    expect((await ledger.readJob(aJob().jobId))?.dueAt).toBeUndefined();
    clock.advance(999);
    expect(await dueJobs()).toBe(1);
    clock.advance(1);
    expect(await dueJobs()).toBe(0);
  });
});

describe('the table', () => {
  it('has attributes for operators, and a time to live in seconds', async () => {
    const tableName = await aTable();
    const ledger = createDynamoDbLedger({
      calls: dynamoDb.calls,
      tableName,
      clock: new ManualClock(NOON),
    });
    await ledger.createJob(aJob({ status: 'accepted', expiresAt: NOON + 1_500, dueAt: NOON }));
    await ledger.createPart(aPart({ batch: aBatch({ status: 'in_progress' }) }));
    const attributesAt = async ({ pk, sk }: { pk: string; sk: string }) =>
      (
        await dynamoDb.client.send(
          new GetItemCommand({ TableName: tableName, Key: { pk: { S: pk }, sk: { S: sk } } }),
        )
      ).Item;
    expect(await attributesAt(jobKey(aJob().jobId))).toMatchObject({
      status: { S: 'accepted' },
      summary: { M: { status: { S: 'accepted' }, requestFile: { M: { bucket: { S: 'requests' } } } } },
      ttl: { N: String(NOON / 1000 + 2) },
      dueAt: { N: String(NOON) },
      dueShard: { S: expect.stringMatching(/^D#(0\d|1[0-5])$/) },
    });
    const part = await attributesAt(partKey(aPart()));
    expect(part).toMatchObject({ status: { S: 'in_progress' }, batchId: { S: 'batch_1' } });
    expect(part).not.toHaveProperty('dueShard');
  });
});
