import { S3Client } from '@aws-sdk/client-s3';
import { Command, Option } from 'commander';
import { confirm } from '../../connection/confirm-place.ts';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { clientConfigAt, targetOf } from '../../connection/target.ts';
import { deleteHolding, type Holding, holdingOf } from '../../operations/teardown/delete-data.ts';
import { type RetainedKind, remainsOf, type StackRemains } from '../../operations/teardown/retained.ts';
import { cancelWork, type RunningWork, runningWork } from '../../operations/teardown/running-work.ts';
import { bytesShown, counted } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { Failure } from '../../terminal/failure.ts';
import { type FormatOptions, isForPeople, printFacts } from '../../terminal/output-format.ts';
import { answerOnTerminal } from '../../terminal/prompt.ts';

interface Options extends ConnectionOptions, FormatOptions {
  readonly cancel?: boolean;
  readonly keep?: readonly Kept[];
  /** The name of the stack. */
  readonly yes?: string;
}

type Kept = 'requests' | 'results' | 'ledger';

const TITLES: Readonly<Record<RetainedKind, string>> = {
  requests: 'request files',
  results: 'results',
  accessLogs: 'access logs',
  ledger: 'ledger',
};

/** `batchdrop teardown`: shows what a deletion of the stack keeps, and deletes it after the stack is gone. */
export function teardownCommand(): Command {
  return withExamples(
    withConnectionOptions(
      new Command('teardown')
        .summary('Delete the data that a deleted stack left')
        .description(
          'Delete what the deletion of a stack leaves: its buckets and its ledger. Run it twice. Before you delete the stack, it shows what will be left, and the batches that still run. Afterwards, it shows the data, asks for the name of the stack, and deletes the data for good. You can repeat it. It never touches buckets of your own.',
        )
        .option('--cancel', 'before: pause submission and cancel all jobs that are not over')
        .addOption(
          new Option('--keep <data...>', 'after: what not to delete').choices([
            'requests',
            'results',
            'ledger',
          ]),
        )
        .option('--yes <name>', 'after: the name of the stack, instead of the question'),
    ),
    'batchdrop teardown --stack Batchdrop --cancel',
    'batchdrop teardown --stack Batchdrop --keep results',
  ).action(teardown);
}

async function teardown(options: Options): Promise<void> {
  const target = targetOf(options);
  if (target.kind === 'local')
    throw new Failure(
      'A runtime on this machine has all its data in one directory: stop it, and delete the directory. For a stack, add --stack.',
    );
  const remains = await remainsOf(target);
  const s3 = new S3Client(clientConfigAt(target));
  const at = { target, s3, account: remains.account };
  try {
    const found: Holding[] = [];
    for (const retained of remains.retained) {
      const holding = await holdingOf(at, retained);
      if (holding !== undefined) found.push(holding);
    }
    if (remains.isLive) await before(options, remains, found);
    else await afterDeletion(options, { remains, found }, at);
  } finally {
    s3.destroy();
  }
}

/** Shows what a deletion will leave, and cancels what runs if the user wants it. */
async function before(options: Options, remains: StackRemains, found: readonly Holding[]): Promise<void> {
  await withConnection(options, async (connection) => {
    const work = await runningWork(connection);
    const name = nameOf(remains);
    if (isForPeople(options))
      print([
        `The stack ${name} of account ${remains.account} is deployed. Its deletion will leave:`,
        ...linesOf(found),
        `and the secrets with the API key and for webhooks, if any. It will delete the functions, their logs, the queues with their messages, the event bus, and the alarms.`,
        ...workLines(work),
      ]);
    const cancels = work.jobs.length > 0 && (await shallCancel(options));
    if (cancels) await cancelWork(connection, work);
    const facts = {
      ...{ stack: name, deployed: true, data: found.map(factOf) },
      ...{ openJobs: work.jobs.length, openBatches: work.batches, cancelled: cancels },
    };
    printFacts(options, facts, () => nextSteps(name, work, cancels).map(escapeControlCharacters));
  });
}

async function shallCancel(options: Options): Promise<boolean> {
  if (options.cancel) return true;
  if (!process.stdin.isTTY || !isForPeople(options)) return false;
  try {
    await confirm('Pause submission, and cancel them all?');
    return true;
  } catch (failure) {
    if (failure instanceof Failure) return false;
    throw failure;
  }
}

function workLines({ jobs, batches }: RunningWork): string[] {
  if (jobs.length === 0) return ['No job is under way.'];
  return [
    `${counted(jobs.length, 'job is', 'jobs are')} not over, with ${counted(batches, 'batch', 'batches')} that may run at the API. They cost money, and without the stack nobody fetches their results.`,
  ];
}

function nextSteps(name: string, work: RunningWork, cancels: boolean): string[] {
  const first = cancels
    ? [`Cancels requested. Wait until this shows no job: batchdrop teardown --stack ${name}`]
    : work.jobs.length > 0
      ? [`First cancel them, or wait for their end: batchdrop teardown --stack ${name} --cancel`]
      : [];
  return [
    ...first,
    `To delete the stack: npx cdk destroy ${name}. With webhooks, before: batchdrop webhook disable --stack ${name}`,
    `Then, to delete the data: batchdrop teardown --stack ${name}`,
  ];
}

/** Deletes the data of a stack that is gone. */
async function afterDeletion(
  options: Options,
  { remains, found }: { remains: StackRemains; found: readonly Holding[] },
  at: Parameters<typeof holdingOf>[0],
): Promise<void> {
  const { inUse } = remains;
  const kept = new Set<RetainedKind>(options.keep ?? []);
  const doomed = found.filter(({ retained }) => !kept.has(retained.kind));
  const name = nameOf(remains);
  if (isForPeople(options))
    print([
      `The stack ${name} of account ${remains.account} is deleted.${found.length === 0 ? ' It left no data.' : ' It left:'}`,
      ...linesOf(found, kept),
      ...inUse.map(({ name: used, by }) => `${used} is used by the stack ${by}, so it is not touched.`),
    ]);
  if (doomed.length > 0) await confirmName(options, name);
  for (const holding of doomed) {
    const { kind, name: resource } = holding.retained;
    await deleteHolding(at, holding, (deleted) => {
      if (isForPeople(options) && deleted < holding.count)
        print([`  ${deleted} of ${holding.count} in ${resource}`]);
    });
    if (isForPeople(options)) print([`Deleted the ${TITLES[kind]}: ${resource}`]);
  }
  const facts = {
    stack: name,
    deployed: false,
    deleted: doomed.map(factOf),
    kept: found.length - doomed.length,
    inUse,
  };
  printFacts(options, facts, () => [
    `The secret with the API key stays, because other stacks may use it. To delete it: aws secretsmanager delete-secret --secret-id ${remains.secret ?? 'batchdrop/openai'}`,
  ]);
}

/** Throws a Failure unless the user types the name of the stack. */
async function confirmName({ yes }: Options, name: string): Promise<void> {
  if (yes === name) return;
  if (yes !== undefined)
    throw new Failure(`--yes names ${yes}, but the stack is ${name}. Nothing was deleted.`);
  if (!process.stdin.isTTY)
    throw new Failure(
      `This command asks for the name of the stack, but stdin is not a terminal. Add --yes ${name}`,
    );
  const answer = await answerOnTerminal(
    `All this will be deleted for good. To confirm, type the name of the stack: `,
    new AbortController().signal,
  );
  if (answer !== name) throw new Failure('Nothing was deleted.');
}

function nameOf({ stackId }: StackRemains): string {
  return stackId.split('/')[1] ?? stackId;
}

function linesOf(found: readonly Holding[], kept: ReadonlySet<RetainedKind> = new Set()): string[] {
  return found.map((holding) => {
    const { retained, count, bytes, uploads } = holding;
    const what =
      retained.kind === 'ledger' ? counted(count, 'item', 'items') : counted(count, 'version', 'versions');
    const open = uploads === 0 ? '' : `, ${counted(uploads, 'incomplete upload', 'incomplete uploads')}`;
    const note = kept.has(retained.kind) ? ' (kept)' : '';
    return `  ${TITLES[retained.kind].padEnd(13)}  ${retained.name}  ${what}, ${bytesShown(bytes)}${open}${note}`;
  });
}

function factOf({ retained: { kind, name }, count, bytes }: Holding) {
  return { kind, name, count, bytes };
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(escapeControlCharacters(line));
}
