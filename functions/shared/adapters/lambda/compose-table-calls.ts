import { AWS_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { environmentCredentials } from '../aws/environment-credentials.ts';
import { dynamoDbEndpoint, regionOf } from '../dynamodb/dynamodb-endpoint.ts';
import { createSignedTableCalls } from '../dynamodb/signed-table-calls.ts';
import type { TableCalls } from '../dynamodb/table-calls.ts';

/** The calls of the ledger's table, from the environment that Lambda makes. */
export function createTableCalls(): TableCalls {
  return createSignedTableCalls({
    ...AWS_CLIENT_SETTINGS,
    endpoint: dynamoDbEndpoint(process.env),
    region: regionOf(process.env),
    credentials: environmentCredentials,
  });
}
