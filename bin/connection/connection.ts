import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type Command, Option } from 'commander';
import { type JobRemoval, openDynamoDbLedger } from '../../functions/shared/adapters/dynamodb/open-ledger.ts';
import type { Ledger, LedgerQueries } from '../../functions/shared/ports/ports.ts';
import type { Credentials } from '../../local/aws/iam/signature.ts';
import { withFormat } from '../terminal/output-format.ts';
import { namesOf, type StackNames } from './stack-names.ts';
import {
  clientConfigAt,
  STACK_NAME,
  STACK_VARIABLE,
  type Target,
  targetOf,
  type WhereOptions,
} from './target.ts';

/** Access to a Batchdrop for its users: AWS clients, the ledger, and the names of its resources. */
export interface Connection {
  readonly target: Target;
  readonly names: StackNames;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly ledger: Ledger;
  readonly queries: LedgerQueries;
  readonly removal: JobRemoval;
  /** How often a waiting command reads the ledger, in milliseconds of real time. */
  readonly pollIntervalMs: number;
  close(): void;
}

/** The options of every command that uses a connection. */
export interface ConnectionOptions extends WhereOptions {
  readonly json?: boolean;
}

/** The options of a command that spends, cancels or pauses. */
export interface ActionOptions extends ConnectionOptions {
  readonly yes?: boolean;
}

const POLL_INTERVAL_MS = { local: 250, account: 2_000 }; // each read costs a little in an account

/** The options that exclude those of the local runtime. */
const ACCOUNT = ['region', 'profile'];

/** Adds `--yes`, and what `withConnectionOptions` adds, to a command that spends, cancels or pauses. */
export function withActionOptions(command: Command): Command {
  return withConnectionOptions(command.option('--yes', 'do not ask'));
}

/** Adds the options that select a Batchdrop, and those that select how to print. */
export function withConnectionOptions(command: Command): Command {
  const address = new Option('--endpoint <url>', 'the runtime at this address').conflicts(ACCOUNT);
  return withTargets(command, [address]);
}

/** The same for a command whose `--endpoint` is an endpoint of the API. */
export function withConnectionOptionsWithoutAddress(command: Command): Command {
  return withTargets(command, []);
}

function withTargets(command: Command, more: readonly Option[]): Command {
  withFormat(command)
    .optionsGroup('Choose a Batchdrop:')
    .addOption(
      new Option(
        '--local',
        `the runtime on this machine (default, unless ${STACK_VARIABLE} names a stack)`,
      ).conflicts(ACCOUNT),
    )
    .addOption(
      new Option('--data <directory>', 'the runtime with its data in this directory').conflicts(ACCOUNT),
    );
  for (const option of more) command.addOption(option);
  return command
    .option(
      '--stack <name>',
      `a deployed stack (default name: ${STACK_NAME}); with --local, a stack of the app`,
    )
    .option('--construct <id>', 'which Batchdrop of the stack or the app, if it contains several')
    .option('--region <region>', 'the AWS Region of the stack')
    .option('--profile <profile>', 'the AWS profile to use');
}

/** Connects to the Batchdrop that the options select, runs `work`, and disconnects. Throws a Failure that says what to do. */
export async function withConnection<T>(
  options: WhereOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await connect(options);
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

/**
 * Finds a Batchdrop and the names of its resources. Close the connection at the end. `onLedgerCall` is called before each call
 * of the ledger's table. Throws a Failure that says what to do.
 */
export async function connect(options: WhereOptions, onLedgerCall?: () => void): Promise<Connection> {
  const target = targetOf(options);
  return connectionAt(target, await namesOf(target), onLedgerCall);
}

/** Returns the connection to a runtime on this machine, with the credentials that it requires, if any. */
export function connectionTo(
  {
    url,
    ...names
  }: StackNames & { readonly url: string; readonly stack?: string; readonly construct?: string },
  credentials?: Credentials,
  onLedgerCall?: () => void,
): Connection {
  const { stack, construct } = names;
  return connectionAt({ kind: 'local', url, credentials, stack, construct }, names, onLedgerCall);
}

function connectionAt(target: Target, names: StackNames, onCall?: () => void): Connection {
  const clientConfig = clientConfigAt(target);
  const s3 = new S3Client({ ...clientConfig, forcePathStyle: target.kind === 'local' });
  const sqs = new SQSClient(clientConfig);
  const opened = openDynamoDbLedger({
    ...{ clientConfig, tableName: names.ledgerTable, clock: Date },
    ...(onCall && { onCall }),
  });
  const { ledger, queries, removal } = opened;
  const close = () => {
    for (const client of [s3, sqs]) client.destroy();
    opened.close();
  };
  return {
    target,
    names,
    s3,
    sqs,
    ledger,
    queries,
    removal,
    pollIntervalMs: POLL_INTERVAL_MS[target.kind],
    close,
  };
}
