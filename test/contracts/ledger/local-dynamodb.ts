import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { AWS_CLIENT_SETTINGS } from '../../../functions/shared/adapters/aws/client-settings.ts';
import {
  createSignedTableCalls,
  type SignedTableCallsOptions,
} from '../../../functions/shared/adapters/dynamodb/signed-table-calls.ts';
import type { TableCalls } from '../../../functions/shared/adapters/dynamodb/table-calls.ts';

/** Starts a DynamoDB server on its own port. */
export async function startDynamoDb(): Promise<{
  client: DynamoDBClient;
  /** As functions make them. */
  calls: TableCalls;
  endpoint: string;
  close(): Promise<void>;
}> {
  const directory = await mkdtemp(join(tmpdir(), 'ledger-'));
  const server = dynalite({ path: directory, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new DynamoDBClient(localAws(endpoint));
  return {
    client,
    calls: localTableCalls(endpoint),
    endpoint,
    async close() {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Returns the endpoint and credentials for a client of a local server. */
export function localAws(endpoint: string) {
  return {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'LOCAL', secretAccessKey: 'local' },
  } satisfies DynamoDBClientConfig;
}

/** Returns the ledger's calls, as functions make them, of a local server. `different`: what differs from a function. */
export function localTableCalls(
  endpoint: string,
  different: Partial<SignedTableCallsOptions> = {},
): TableCalls {
  const { region, credentials } = localAws(endpoint);
  return createSignedTableCalls({
    ...AWS_CLIENT_SETTINGS,
    ...{ endpoint: new URL(endpoint), region, credentials: async () => credentials },
    ...different,
  });
}

/** Creates the table as the construct does. */
export async function createLedgerTable(client: DynamoDBClient, tableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
        { AttributeName: 'dueShard', AttributeType: 'S' },
        { AttributeName: 'dueAt', AttributeType: 'N' },
        { AttributeName: 'jobShard', AttributeType: 'S' },
        { AttributeName: 'jobTime', AttributeType: 'S' },
        { AttributeName: 'jobIdPrefix', AttributeType: 'S' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'due',
          KeySchema: [
            { AttributeName: 'dueShard', KeyType: 'HASH' },
            { AttributeName: 'dueAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['openBatch', 'waits', 'stalled'] },
        },
        {
          IndexName: 'jobs',
          KeySchema: [
            { AttributeName: 'jobShard', KeyType: 'HASH' },
            { AttributeName: 'jobTime', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['summary'] },
        },
        {
          IndexName: 'job-ids',
          KeySchema: [
            { AttributeName: 'jobIdPrefix', KeyType: 'HASH' },
            { AttributeName: 'pk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  );
  while (!(await isActive(client, tableName))); // dynalite makes it active a moment later
}

async function isActive(client: DynamoDBClient, tableName: string): Promise<boolean> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
  const indexes = Table?.GlobalSecondaryIndexes ?? [];
  return Table?.TableStatus === 'ACTIVE' && indexes.every(({ IndexStatus }) => IndexStatus === 'ACTIVE');
}
