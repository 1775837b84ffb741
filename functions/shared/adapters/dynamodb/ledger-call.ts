import {
  type AttributeValue,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { awsFailure } from '../aws/aws-failure.ts';
import type { LedgerAttributes } from './ledger-attributes.ts';

/** Makes a call of the ledger's table. Errors: those of `awsFailure`, with what was tried. */
export async function ledgerCall<T>(tried: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw awsFailure(tried, error);
  }
}

/** Yields the items of a query, by page. The next page is read when it is needed. Errors: as `ledgerCall`. */
export async function* queriedPages(
  client: DynamoDBClient,
  tried: string,
  query: QueryCommandInput,
): AsyncGenerator<readonly LedgerAttributes[]> {
  let startKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await ledgerCall(tried, () =>
      client.send(new QueryCommand({ ...query, ExclusiveStartKey: startKey })),
    );
    yield page.Items ?? [];
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
}
