import { type DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { TableCalls } from './table-calls.ts';

/** The ledger's calls by the SDK's client, which finds credentials and regions wherever people keep them. */
export function createSdkTableCalls(client: DynamoDBClient): TableCalls {
  return {
    getItem: (input) => client.send(new GetItemCommand(input)),
    putItem: (input) => client.send(new PutItemCommand(input)),
    query: (input) => client.send(new QueryCommand(input)),
  };
}
