import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { Clock, Ledger, LedgerQueries } from '../../ports/ports.ts';
import { createDynamoDbLedger } from './ledger.ts';
import { createDynamoDbLedgerQueries } from './ledger-queries.ts';
import {
  createJobRemoval,
  createTableRemoval,
  type JobRemoval,
  type TableRemoval,
} from './ledger-removal.ts';
import { createSdkTableCalls } from './sdk-table-calls.ts';

export type { JobRemoval } from './ledger-removal.ts';

/** The ledger in a table, with its queries. `close` ends its connections. `onCall` is called before each call of DynamoDB. */
export function openDynamoDbLedger(options: {
  clientConfig: DynamoDBClientConfig;
  tableName: string;
  clock: Clock;
  onCall?: () => void;
}): { ledger: Ledger; queries: LedgerQueries; removal: JobRemoval; close(): void } {
  const { tableName, clock, onCall } = options;
  const client = new DynamoDBClient(options.clientConfig);
  if (onCall) {
    client.middlewareStack.add(
      (next) => (call) => {
        onCall();
        return next(call);
      },
      { step: 'initialize' },
    );
  }
  const table = { calls: createSdkTableCalls(client), tableName, clock };
  const ledger = createDynamoDbLedger(table);
  const queries = createDynamoDbLedgerQueries({ ...table, ledger });
  const removal = createJobRemoval(client, tableName);
  return { ledger, queries, removal, close: () => client.destroy() };
}

/** The table of a ledger that is not used any more. `close` ends its connections. */
export function openLedgerTable(
  clientConfig: DynamoDBClientConfig,
  tableName: string,
): TableRemoval & { close(): void } {
  const client = new DynamoDBClient(clientConfig);
  return { ...createTableRemoval(client, tableName), close: () => client.destroy() };
}
