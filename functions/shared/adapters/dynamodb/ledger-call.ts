import type { AttributeValue, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { awsFailure } from '../aws/aws-failure.ts';
import type { LedgerAttributes } from './ledger-attributes.ts';
import type { TableCalls } from './table-calls.ts';

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
  calls: TableCalls,
  tried: string,
  query: QueryCommandInput,
): AsyncGenerator<readonly LedgerAttributes[]> {
  let startKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await ledgerCall(tried, () =>
      calls.query({ ...query, ...(startKey && { ExclusiveStartKey: startKey }) }),
    );
    yield page.Items ?? [];
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
}
