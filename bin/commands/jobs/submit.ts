import { Command, InvalidArgumentError, Option } from 'commander';
import { createPriceList } from '../../../functions/shared/adapters/lambda/compose-price-list.ts';
import {
  FORMAT_INSTRUCTION,
  INSTRUCTION_PREFIX,
  MAX_COST_INSTRUCTION,
  PRIORITIES,
  type Priority,
} from '../../../functions/shared/contract/request-file.ts';
import { amountOf } from '../../../functions/shared/domain/money/amount.ts';
import { confirmPlace, placeShown } from '../../connection/confirm-place.ts';
import {
  type ActionOptions,
  type Connection,
  withActionOptions,
  withConnection,
} from '../../connection/connection.ts';
import { NO_ERRORS } from '../../jobs/details/error-kinds.ts';
import { type Forecast, forecast, forecastLines } from '../../jobs/dry-run.ts';
import { putFile, type Submission } from '../../jobs/put-file.ts';
import { openSources, type RequestSource } from '../../jobs/request-source.ts';
import {
  awaitJobs,
  WAIT_EXIT_CODES,
  type WaitOptions,
  withWaitOptions,
} from '../../jobs/waiting/await-jobs.ts';
import { EXIT_CODE } from '../../jobs/waiting/exit-code.ts';
import { expectedDurations } from '../../jobs/waiting/expected-duration.ts';
import { failureDigest } from '../../jobs/waiting/failure-digest.ts';
import { whenPlanned } from '../../jobs/waiting/when-planned.ts';
import { bytesShown, counted } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { estimateText } from '../../terminal/estimate-text.ts';
import { withExamples } from '../../terminal/examples.ts';
import { Failure } from '../../terminal/failure.ts';
import { type FormatOptions, isForPeople, printFacts } from '../../terminal/output-format.ts';
import { StatusLine } from '../../terminal/status-line.ts';
import { pricesIn } from '../../up/prices-file.ts';

interface Options extends ActionOptions, FormatOptions, WaitOptions {
  readonly name?: string;
  readonly meta?: Record<string, string>;
  readonly rerun?: boolean;
  readonly priority?: Priority;
  readonly hold?: boolean;
  readonly maxCost?: string;
  readonly table?: boolean;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
  /** False with `--no-check`. */
  readonly check?: boolean;
  readonly prices?: string;
}

/** `batchdrop submit`: uploads request files to the request bucket. */
export function submitCommand(): Command {
  const command = withWaitOptions(
    new Command('submit')
      .summary('Upload request files')
      .description('Upload request files (.jsonl) to the request bucket and print their job ids.')
      .argument('<file...>', 'request files, or - for stdin. The object key is the name of the file')
      .option('--name <key>', 'another object key, if there is only one file')
      .option('--wait', 'wait until every job has ended, and print what failed')
      .option('--dry-run', 'only validate, plan and estimate the files, without network access')
      .option('--no-check', 'upload the files without this check before')
      .option('--prices <file>', 'with --dry-run: a JSON file with prices of models, as for up')
      .option(
        '--meta <name=value>',
        'metadata for the batches and events of the files; can be repeated',
        addPair,
      )
      .option('--rerun', 'run the files even if the same bytes ran before')
      .option('--hold', 'check and plan the files, and send nothing before batchdrop approve')
      .option(
        '--max-cost <amount>',
        'reject a file that may cost more (with --hold: hold it), in the currency of the prices',
        parseAmount,
      )
      .option('--table', 'also store the results as one table, output.csv')
      .addOption(
        new Option(
          '--priority <level>',
          'how urgent the files are among those that wait, with the prop shares',
        ).choices(PRIORITIES),
      ),
  );
  return withExamples(
    withActionOptions(command).addHelpText('after', WAIT_EXIT_CODES),
    'batchdrop submit reviews.jsonl --wait --max-failed 1%',
    'batchdrop submit reviews.jsonl --dry-run',
    'jq -c … | batchdrop submit - --name reviews.jsonl --meta team=search',
  ).action(submit);
}

async function submit(files: string[], options: Options): Promise<void> {
  if (options.prices !== undefined && !options.dryRun)
    throw new Failure('--prices works only with --dry-run. Batchdrop has its own: set the prop `prices`.');
  const { sources, discard } = await openSources(files, options.name);
  try {
    if (options.dryRun) await printForecasts(sources, options);
    else if (options.check === false || (await areAllGood(sources, options)))
      await submitAll(sources, options);
  } finally {
    discard();
  }
}

async function printForecasts(sources: readonly RequestSource[], options: Options): Promise<void> {
  const own = options.prices === undefined ? undefined : await pricesIn(options.prices);
  const forecasts = await forecastsOf(sources, options, own);
  if (forecasts.some(({ verdict }) => verdict === 'bad')) process.exitCode = 1;
  printFacts(options, forecasts, () => forecasts.flatMap(forecastLines));
}

/** Checks the files as a dry run does. If one is bad, prints its findings, and nothing is uploaded. */
async function areAllGood(sources: readonly RequestSource[], options: Options): Promise<boolean> {
  const bad = (await forecastsOf(sources, options, undefined)).filter(({ verdict }) => verdict === 'bad');
  if (bad.length === 0) return true;
  for (const line of bad.flatMap(forecastLines)) console.error(line);
  printFacts(options, bad, () => []);
  process.exitCode = 1;
  return false;
}

async function forecastsOf(
  sources: readonly RequestSource[],
  { meta = {} }: Options,
  own: string | undefined,
): Promise<Forecast[]> {
  const prices = createPriceList(own).at(Date.now());
  const forecasts: Forecast[] = [];
  for (const source of sources) forecasts.push(await forecast(source, meta, prices));
  return forecasts;
}

/** Uploads the files, prints their jobs, and waits for them if asked to. Throws a Failure. */
export async function submitAll(sources: readonly RequestSource[], options: Options): Promise<void> {
  // For programs, only the result is printed.
  const line = new StatusLine(isForPeople(options) ? process.stdout : { write: () => {} });
  await withConnection(options, async (connection) => {
    await confirmPlace(connection, options, `Upload ${counted(sources.length, 'file', 'files')}`);
    const submissions = await putAll(connection, sources, options, line);
    if (options.wait) await awaitJobs(connection, submissions, options, line);
    else await printSubmissions(connection, submissions, options, line);
  }).finally(() => line.end());
}

async function putAll(
  connection: Connection,
  sources: readonly RequestSource[],
  options: Options,
  line: StatusLine,
): Promise<Submission[]> {
  const submissions: Submission[] = [];
  try {
    for (const source of sources) {
      const of = `${escapeControlCharacters(source.file)}  `;
      const total = bytesShown(source.bytes);
      const submission = await putFile(connection, source, {
        ...(options.meta !== undefined && { tags: options.meta }),
        ...(options.rerun !== undefined && { rerun: options.rerun }),
        ...(options.priority !== undefined && { priority: options.priority }),
        ...(options.hold !== undefined && { hold: options.hold }),
        instructions: instructionsIn(options),
        onBytes: (bytes) => line.show(`${of}${bytesShown(bytes)} of ${total}`),
      });
      submissions.push(submission);
      line.end();
      line.print(`${of}job ${submission.jobId}${placeShown(connection)}`);
    }
    return submissions;
  } catch (failure) {
    // Printed even though a later upload failed, because these files are in the bucket.
    if (!options.wait) printFacts(options, submissions, () => []);
    throw failure;
  }
}

/** Prints the estimate of each file that is accepted within seconds; for programs, all that is known of the files. */
async function printSubmissions(
  connection: Connection,
  submissions: readonly Submission[],
  options: Options,
  line: StatusLine,
): Promise<void> {
  const jobs = await Promise.all(submissions.map(({ jobId }) => whenPlanned(connection, jobId)));
  const durations = await expectedDurations(connection);
  const facts = submissions.map((each, at) => ({ ...each, estimate: jobs[at]?.plan?.estimate ?? null }));
  printFacts(options, facts, () => []);
  for (const [at, { file }] of submissions.entries()) {
    const { estimate, rows = 0 } = jobs[at]?.plan ?? {};
    const texts = [...(estimate ? [estimateText(estimate)] : []), ...durations(rows)];
    for (const text of texts) line.print(`${escapeControlCharacters(file)}  ${text}`);
  }
  for (const [at, { file }] of submissions.entries()) {
    const job = jobs[at];
    if (job?.status !== 'rejected') continue;
    for (const text of failureDigest(file, job, NO_ERRORS, connection.names)) console.error(text);
    process.exitCode = EXIT_CODE.nothing;
  }
}

function instructionsIn({ maxCost, table }: Options): Record<string, string> {
  return {
    ...(maxCost !== undefined && { [MAX_COST_INSTRUCTION]: maxCost }),
    ...(table && { [FORMAT_INSTRUCTION]: 'csv' }),
  };
}

function parseAmount(text: string): string {
  if (amountOf(text) === undefined) throw new InvalidArgumentError('It must be an amount such as 5 or 0.50.');
  return text;
}

function addPair(pair: string, pairs: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Use the form name=value.');
  if (name.toLowerCase().startsWith(INSTRUCTION_PREFIX))
    throw new InvalidArgumentError(
      `${name} is an instruction and no metadata. Use --rerun, --hold, --priority, --max-cost or --table.`,
    );
  return { ...pairs, [name]: value };
}
