import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { Clock, Ledger, LedgerQueries } from '../../ports/ports.ts';
import { createDynamoDbLedger } from './ledger.ts';
import { createDynamoDbLedgerQueries } from './ledger-queries.ts';

/** The ledger in a table, with its queries. `close` ends its connections. `onCall` is called before each call of DynamoDB. */
export function openDynamoDbLedger(options: {
  clientConfig: DynamoDBClientConfig;
  tableName: string;
  clock: Clock;
  onCall?: () => void;
}): { ledger: Ledger; queries: LedgerQueries; close(): void } {
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
  const ledger = createDynamoDbLedger({ client, tableName, clock });
  const queries = createDynamoDbLedgerQueries({ client, tableName, clock, ledger });
  return { ledger, queries, close: () => client.destroy() };
}
