import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Command } from 'commander';
import { createDynamoDbLedger } from '../functions/shared/adapters/dynamodb-ledger.ts';
import type { Ledger } from '../functions/shared/core/ports.ts';
import { readWhereabouts, WHEREABOUTS_SECRET, type Whereabouts } from '../local/runtime/data-directory.ts';
import { Failure } from './failure.ts';

/** A running Batchdrop as its users see it: the ordinary AWS SDK and the names of its things. */
export interface Connection {
  readonly names: Whereabouts;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamoDb: DynamoDBClient;
  readonly ledger: Ledger;
  close(): void;
}

/** How a command finds its Batchdrop. */
export interface ConnectionOptions {
  readonly data: string;
  readonly endpoint?: string;
}

export const DEFAULT_DATA_DIRECTORY = '.batchdrop';

/** Adds the options by which a command finds its Batchdrop. */
export function withConnectionOptions(command: Command): Command {
  return command
    .option('--data <directory>', 'data directory of the runtime to talk to', DEFAULT_DATA_DIRECTORY)
    .option('--endpoint <url>', 'address of the runtime, instead of the one noted in the data directory')
    .option('--json', 'answer in JSON, for programs');
}

/** Finds the runtime by its address or its data directory; throws a Failure that says how to start one. */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  return connectionTo(await find(options));
}

/** The clients for a runtime that is known. */
export function connectionTo(names: Whereabouts): Connection {
  const config = clientConfig(names.url);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const sqs = new SQSClient(config);
  const dynamoDb = new DynamoDBClient(config);
  const ledger = createDynamoDbLedger({ client: dynamoDb, tableName: names.ledgerTable, clock: Date });
  const close = () => {
    for (const client of [s3, sqs, dynamoDb]) client.destroy();
  };
  return { names, s3, sqs, dynamoDb, ledger, close };
}

async function find({ data, endpoint }: ConnectionOptions): Promise<Whereabouts> {
  if (endpoint !== undefined) return await ask(endpoint);
  const names = readWhereabouts(data);
  if (names === undefined) {
    throw new Failure(
      `No runtime works in ${data}: start one with npm start, or say where it is with --data or --endpoint.`,
    );
  }
  return names;
}

/** The runtime keeps the names of its things as a secret that is none. */
async function ask(url: string): Promise<Whereabouts> {
  const client = new SecretsManagerClient(clientConfig(url));
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: WHEREABOUTS_SECRET }));
  if (SecretString === undefined) throw new Failure(`${url} does not say what it is called.`);
  return JSON.parse(SecretString);
}

function clientConfig(endpoint: string) {
  return {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'batchdrop-cli', secretAccessKey: 'local' }, // any will do on one machine
    maxAttempts: 2, // the other side is this machine: what fails twice is not there
  };
}
