/** Creates the ledger's table on the local endpoint, for the test file that imports this. */
import {
  type AttributeValue,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { createLedgerTable } from '../../contracts/ledger/local-dynamodb.ts';
import { type SdkEndpoint, startSdkEndpoint } from '../endpoint/sdk-endpoint.ts';

export type Item = Record<string, AttributeValue>;

/** Every expression that the ledger sends. A test compares them with the ledger's requests. */
export const CREATE = 'attribute_not_exists(pk) OR expiresAt <= :now';
export const REPLACE = 'version = :version';
export const PARTS = 'pk = :pk AND begins_with(sk, :prefix)';
export const DUE = 'dueShard = :shard AND dueAt <= :before';
export const EVER_DUE = 'dueShard = :shard';
export const HAS = 'attribute_exists(#wanted)';
export const JOBS = 'jobShard = :shard AND jobTime BETWEEN :from AND :to';
export const IN_STATUS = 'summary.#status = :status';
export const IDS = 'jobIdPrefix = :start AND begins_with(pk, :key)';

export const TableName = 'conditions';
export const CONDITION_FAILED = {
  name: 'ConditionalCheckFailedException',
  $metadata: { httpStatusCode: 400 },
};

export let sdk: SdkEndpoint;
let made = 0;

/** Runs the table while the tests of a file run. */
export function runTable(): void {
  beforeAll(async () => {
    sdk = await startSdkEndpoint();
    await createLedgerTable(sdk.dynamoDb, TableName);
  });
  afterAll(() => sdk.close());
}

export const n = (value: number | string): AttributeValue => ({ N: String(value) });
export const s = (S: string): AttributeValue => ({ S });

/** Returns an unused partition key. */
export const aKey = () => `key-${++made}`;

export const put = (Item: Item, more: Partial<PutItemCommandInput> = {}) =>
  sdk.dynamoDb.send(new PutItemCommand({ TableName, Item, ...more }));
export const query = (more: Partial<QueryCommandInput>) =>
  sdk.dynamoDb.send(new QueryCommand({ TableName, ...more }));

export async function read(pk: string, sk = 'META'): Promise<Item | undefined> {
  const Key = { pk: s(pk), sk: s(sk) };
  return (await sdk.dynamoDb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
}
