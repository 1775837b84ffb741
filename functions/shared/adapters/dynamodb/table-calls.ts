import type {
  GetItemCommandInput,
  GetItemCommandOutput,
  PutItemCommandInput,
  QueryCommandInput,
  QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';

/**
 * The calls of DynamoDB that the ledger makes: three of its some sixty operations. Inputs and outputs are those of the SDK,
 * without binary attributes. Errors: as the SDK's, by `name`, with the HTTP status in `$metadata`; a RetryableError for a
 * response that cannot be read.
 */
export interface TableCalls {
  getItem(input: GetItemCommandInput): Promise<Pick<GetItemCommandOutput, 'Item'>>;
  putItem(input: PutItemCommandInput): Promise<unknown>;
  query(input: QueryCommandInput): Promise<Pick<QueryCommandOutput, 'Items' | 'LastEvaluatedKey'>>;
}

/** Says whether DynamoDB refused a write because its condition does not hold. */
export function isFailedCondition(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException';
}
