/**
 * Removes what the ledger has of a job, for `batchdrop purge`, and the table itself, for `batchdrop teardown`. No function may
 * delete anything in the ledger.
 */
import {
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
  UpdateTableCommand,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { queriedPages } from './ledger-call.ts';
import {
  asItemKey,
  batchPointerKey,
  earlyEndKey,
  jobKey,
  keyPointerKey,
  type LedgerKey,
} from './ledger-keys.ts';
import { createSdkTableCalls } from './sdk-table-calls.ts';

const WAIT = { maxWaitTime: 300, minDelay: 1, maxDelay: 5 }; // seconds

/** The items of one job, and how to remove them. Errors: those of DynamoDB; of reading the items, those of `queriedPages`. */
export interface JobRemoval {
  /** Returns how many items the job has, without pointers from elsewhere to it. */
  count(jobId: string): Promise<number>;
  /** Removes the pointers of batches, then the items of the job; the job itself last, so that a purge can be repeated. */
  remove(jobId: string, batchIds: readonly string[]): Promise<void>;
  /** Removes what is known of an object key: its newest job, and its cancel requests. */
  removeKey(bucket: string, key: string): Promise<void>;
}

/** The ledger's table. Errors: those of DynamoDB. */
export interface TableRemoval {
  /** DynamoDB counts about every six hours. Undefined: there is no such table. */
  facts(): Promise<{ items: number; bytes: number } | undefined>;
  /** Deletes the table, also if it is protected, and waits until it is gone. */
  remove(): Promise<void>;
}

export function createJobRemoval(client: DynamoDBClient, TableName: string): JobRemoval {
  const removeItem = async (key: LedgerKey) => {
    await client.send(new DeleteItemCommand({ TableName, Key: asItemKey(key) }));
  };
  return {
    count: async (jobId) => (await keysOf(client, TableName, jobId)).length,
    async remove(jobId, batchIds) {
      for (const batchId of batchIds)
        for (const key of [batchPointerKey(batchId), earlyEndKey(batchId)]) await removeItem(key);
      const job = jobKey(jobId);
      const others = (await keysOf(client, TableName, jobId)).filter(({ sk }) => sk !== job.sk);
      for (const key of [...others, job]) await removeItem(key);
    },
    removeKey: (bucket, key) => removeItem(keyPointerKey(bucket, key)),
  };
}

export function createTableRemoval(client: DynamoDBClient, TableName: string): TableRemoval {
  const described = async () => {
    try {
      return (await client.send(new DescribeTableCommand({ TableName }))).Table;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  };
  return {
    async facts() {
      const table = await described();
      return table && { items: Number(table.ItemCount ?? 0), bytes: Number(table.TableSizeBytes ?? 0) };
    },
    async remove() {
      const table = await described();
      if (table === undefined) return;
      if (table.DeletionProtectionEnabled)
        await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
      if (table.TableStatus !== 'DELETING') await client.send(new DeleteTableCommand({ TableName }));
      await waitUntilTableNotExists({ client, ...WAIT }, { TableName });
    },
  };
}

async function keysOf(client: DynamoDBClient, TableName: string, jobId: string): Promise<LedgerKey[]> {
  const keys: LedgerKey[] = [];
  const pages = queriedPages(createSdkTableCalls(client), `read the items of job ${jobId}`, {
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: jobKey(jobId).pk } },
    ProjectionExpression: 'pk, sk',
  });
  for await (const page of pages)
    for (const { pk, sk } of page) keys.push({ pk: pk?.S ?? '', sk: sk?.S ?? '' });
  return keys;
}
