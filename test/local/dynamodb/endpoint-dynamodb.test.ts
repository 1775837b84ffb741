import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DynamoDbEngine, type TableDefinition } from '../../../local/aws/dynamodb/engine.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { clientConfig } from '../endpoint/client-config.ts';

const TABLE: TableDefinition = {
  TableName: 'ledger',
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'dueShard', AttributeType: 'N' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'due',
      KeySchema: [{ AttributeName: 'dueShard', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
};

let directory: string;
let engine: DynamoDbEngine;
let endpoint: Endpoint;
let client: DynamoDBClient;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-dynamodb-'));
  await start();
  await engine.createTable(TABLE);
});

afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

async function start() {
  engine = new DynamoDbEngine({ directory });
  endpoint = await startEndpoint({ services: [engine], port: 0 });
  client = new DynamoDBClient(clientConfig(endpoint.url));
}

async function stop() {
  client.destroy();
  await endpoint.close();
  await engine.close();
}

const put = (pk: string, shard: number) =>
  client.send(
    new PutItemCommand({
      TableName: 'ledger',
      Item: { pk: { S: pk }, dueShard: { N: String(shard) }, rev: { N: '1' } },
      ConditionExpression: 'attribute_not_exists(pk)',
    }),
  );

const get = async (pk: string) =>
  (
    await client.send(
      new GetItemCommand({ TableName: 'ledger', Key: { pk: { S: pk } }, ConsistentRead: true }),
    )
  ).Item;

async function dueIn(shard: number) {
  const answer = await client.send(
    new QueryCommand({
      TableName: 'ledger',
      IndexName: 'due',
      KeyConditionExpression: 'dueShard = :shard',
      ExpressionAttributeValues: { ':shard': { N: String(shard) } },
    }),
  );
  return answer.Items?.map((item) => item.pk?.S);
}

describe('a table', () => {
  it('accepts conditional writes and rejects those whose condition fails', async () => {
    await put('a', 1);
    await expect(put('a', 2)).rejects.toThrow(
      expect.objectContaining({ name: 'ConditionalCheckFailedException' }),
    );
    expect(await get('a')).toEqual({ pk: { S: 'a' }, dueShard: { N: '1' }, rev: { N: '1' } });
    expect(await dueIn(1)).toEqual(['a']);
  });

  it('is the same after a restart, and creating it again changes nothing', async () => {
    await put('a', 1);
    await stop();
    await start();
    await engine.createTable(TABLE);
    expect(await get('a')).toMatchObject({ pk: { S: 'a' } });
    expect(await dueIn(1)).toEqual(['a']);
  });

  it('with other keys than in an earlier run fails with a message', async () => {
    const others = { ...TABLE, KeySchema: [{ AttributeName: 'dueShard', KeyType: 'HASH' as const }] };
    await expect(engine.createTable(others)).rejects.toThrow(/other keys or indexes/);
  });

  it('has other keys as soon as it was deleted and created again', async () => {
    const item = { pk: { S: 'a' } };
    await client.send(new PutItemCommand({ TableName: 'ledger', Item: item }));
    await client.send(new DeleteTableCommand({ TableName: 'ledger' }));
    const gone = client.send(new GetItemCommand({ TableName: 'ledger', Key: item }));
    await expect(gone).rejects.toThrow('Requested resource not found');
    const KeySchema: TableDefinition['KeySchema'] = [{ AttributeName: 'id', KeyType: 'HASH' }];
    const AttributeDefinitions: TableDefinition['AttributeDefinitions'] = [
      { AttributeName: 'id', AttributeType: 'S' },
    ];
    const created = () => engine.createTable({ TableName: 'ledger', KeySchema, AttributeDefinitions });
    await expect.poll(() => created().then(() => 'created', String)).toBe('created');
    const put = (key: string) => new PutItemCommand({ TableName: 'ledger', Item: { [key]: { S: 'a' } } });
    await expect(client.send(put('pk'))).rejects.toThrow('Missing the key id');
    await client.send(put('id'));
    const read = await client.send(new GetItemCommand({ TableName: 'ledger', Key: { id: { S: 'a' } } }));
    expect(read.Item).toEqual({ id: { S: 'a' } });
  });

  it('has no transactions, and fails with their name', async () => {
    await expect(client.send(new TransactWriteItemsCommand({ TransactItems: [] }))).rejects.toThrow(
      expect.objectContaining({
        name: 'NotImplemented',
        message: expect.stringContaining('TransactWriteItems'),
      }),
    );
  });
});

describe('closing', () => {
  it('waits for running writes whose clients have disconnected', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `of-the-dead-${at}`);
    const begun = vi.spyOn(engine, 'handle');
    const deaths = names.map((name) => put(name, 1).catch(() => 'dead'));
    await vi.waitUntil(() => begun.mock.calls.length >= names.length, { interval: 1, timeout: 30_000 });
    await stop();
    await Promise.all(deaths);
    await start();
    const written = (await dueIn(1)) ?? [];
    expect(names).toEqual(expect.arrayContaining(written));
    for (const name of names)
      expect([name, (await get(name)) !== undefined]).toEqual([name, written.includes(name)]);
  });

  it('refuses later calls', async () => {
    await engine.close();
    await expect(put('late', 1)).rejects.toThrow(expect.objectContaining({ name: 'ServiceUnavailable' }));
    await endpoint.close();
    await start();
  });
});

describe('a data directory', () => {
  it('with the ledger of an older version is refused with a message, and not changed', async () => {
    const older = join(directory, 'older');
    mkdirSync(join(older, 'dynamodb'), { recursive: true });
    expect(() => new DynamoDbEngine({ directory: older })).toThrow(
      /older version.*choose another data directory with --data/,
    );
    expect(readdirSync(older)).toEqual(['dynamodb']);
  });
});
