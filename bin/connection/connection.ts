import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type Command, Option } from 'commander';
import { createDynamoDbLedger } from '../../functions/shared/adapters/dynamodb/ledger.ts';
import type { Ledger } from '../../functions/shared/ports/ports.ts';
import { namesOf, type StackNames } from './stack-names.ts';
import { clientConfigAt, STACK_NAME, type Target, targetOf, type WhereOptions } from './target.ts';

/** A Batchdrop as its users see it: the ordinary AWS SDK and the names of its things. */
export interface Connection {
  readonly place: Target;
  readonly names: StackNames;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamoDb: DynamoDBClient;
  readonly ledger: Ledger;
  /** Milliseconds of the wall between two looks at the ledger of a command that waits. */
  readonly lookEveryMs: number;
  close(): void;
}

/** The options that every command with a connection has. */
export interface ConnectionOptions extends WhereOptions {
  readonly json?: boolean;
}

const LOOK_EVERY_MS = { local: 250, account: 2_000 }; // quick enough for the eye; in an account each look costs a little

/** Adds the options by which a command finds its Batchdrop. */
export function withConnectionOptions(command: Command): Command {
  const account = ['stack', 'construct', 'region', 'profile'];
  return command
    .addOption(new Option('--local', 'the runtime on this machine, which is the default').conflicts(account))
    .addOption(
      new Option('--data <directory>', 'its data directory, if it is not the usual one').conflicts(account),
    )
    .addOption(new Option('--endpoint <url>', 'its address, instead').conflicts(account))
    .option('--stack <name>', `a deployed stack, in an AWS account (default there: ${STACK_NAME})`)
    .option('--construct <id>', 'the Batchdrop in that stack, if there are several')
    .option('--region <region>', 'its region')
    .option('--profile <profile>', 'the AWS profile to find it with')
    .option('--json', 'answer in JSON, for programs');
}

/** Finds a Batchdrop and the names of its things; throws a Failure that says what to do. */
export async function connect(options: WhereOptions): Promise<Connection> {
  const place = targetOf(options);
  return connectionAt(place, await namesOf(place));
}

/** The clients for a runtime of this machine. */
export function connectionTo(runtime: StackNames & { readonly url: string }): Connection {
  return connectionAt({ kind: 'local', url: runtime.url }, runtime);
}

function connectionAt(place: Target, names: StackNames): Connection {
  const config = clientConfigAt(place);
  const s3 = new S3Client({ ...config, forcePathStyle: place.kind === 'local' });
  const sqs = new SQSClient(config);
  const dynamoDb = new DynamoDBClient(config);
  const ledger = createDynamoDbLedger({ client: dynamoDb, tableName: names.ledgerTable, clock: Date });
  const close = () => {
    for (const client of [s3, sqs, dynamoDb]) client.destroy();
  };
  return { place, names, s3, sqs, dynamoDb, ledger, lookEveryMs: LOOK_EVERY_MS[place.kind], close };
}
