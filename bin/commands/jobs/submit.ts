import { Command, InvalidArgumentError, Option } from 'commander';
import { createPriceList } from '../../../functions/shared/adapters/lambda/compose-price-list.ts';
import { PRIORITIES, type Priority } from '../../../functions/shared/contract/request-file.ts';
import {
  type Connection,
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { forecast, forecastLines } from '../../jobs/dry-run.ts';
import { jobEstimate } from '../../jobs/job-estimates.ts';
import { jobFacts } from '../../jobs/job-facts.ts';
import { putFile, type Submission } from '../../jobs/put-file.ts';
import { openSources, type RequestSource } from '../../jobs/request-source.ts';
import { waitForJobs } from '../../jobs/wait-for-jobs.ts';
import { bytesShown } from '../../terminal/amounts.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';
import { estimateText } from '../../terminal/estimate-text.ts';
import { Failure } from '../../terminal/failure.ts';
import { StatusLine } from '../../terminal/status-line.ts';
import { pricesIn } from '../../up/prices-file.ts';

interface Options extends ConnectionOptions {
  readonly name?: string;
  readonly meta?: Record<string, string>;
  readonly rerun?: boolean;
  readonly priority?: Priority;
  readonly hold?: boolean;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
  readonly prices?: string;
}

/** `batchdrop submit`: uploads request files to the request bucket. */
export function submitCommand(): Command {
  return withConnectionOptions(
    new Command('submit')
      .summary('Upload request files')
      .description('Upload request files (.jsonl) to the request bucket and print their job ids.')
      .argument('<file...>', 'request files, or - for stdin. The object key is the name of the file')
      .option('--name <key>', 'another object key, if there is only one file')
      .option(
        '--wait',
        'wait until every job has ended. The exit code is 0 only if each is completed and has rows that succeeded',
      )
      .option('--dry-run', 'only validate, plan and estimate the files, without network access')
      .option('--prices <file>', 'with --dry-run: a JSON file with prices of models, as for up')
      .option(
        '--meta <name=value>',
        'metadata for the batches and events of the files; can be repeated',
        addPair,
      )
      .option('--rerun', 'run the files even if the same bytes ran before')
      .option('--hold', 'check and plan the files, and send nothing before batchdrop approve')
      .addOption(
        new Option(
          '--priority <level>',
          'how urgent the files are among those that wait, with the prop shares',
        ).choices(PRIORITIES),
      ),
  ).action(submit);
}

async function submit(files: string[], options: Options): Promise<void> {
  if (options.prices !== undefined && !options.dryRun)
    throw new Failure('--prices works only with --dry-run. Batchdrop has its own: set the prop `prices`.');
  const { sources, discard } = await openSources(files, options.name);
  try {
    if (options.dryRun) await printForecasts(sources, options);
    else await submitAll(sources, options);
  } finally {
    discard();
  }
}

async function printForecasts(sources: readonly RequestSource[], options: Options): Promise<void> {
  const own = options.prices === undefined ? undefined : await pricesIn(options.prices);
  const prices = createPriceList(own).at(Date.now());
  const forecasts = [];
  for (const source of sources) {
    const known = await forecast(source, options.meta ?? {}, prices);
    forecasts.push(known);
    if (known.verdict === 'bad') process.exitCode = 1;
    if (!options.json) console.log(forecastLines(known).join('\n'));
  }
  if (options.json) console.log(printableJson(forecasts, 2));
}

/** Uploads the files, prints their jobs, and waits for them if asked to. Throws a Failure. */
export async function submitAll(sources: readonly RequestSource[], options: Options): Promise<void> {
  // With --json, only the result is printed.
  const line = new StatusLine(options.json ? { write: () => {} } : process.stdout);
  await withConnection(options, async (connection) => {
    const submissions = await putAll(connection, sources, options, line);
    if (!options.wait) {
      await printSubmissions(connection, submissions, options, line);
      return;
    }
    const jobs = await waitForJobs(connection, submissions, line);
    const facts = jobs.map((job) => job && jobFacts(job));
    if (options.json) console.log(printableJson(facts, 2));
    if (!jobs.every((job) => job?.status === 'completed' && (job.rows?.succeeded ?? 0) > 0))
      process.exitCode = 1;
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
        onBytes: (bytes) => line.show(`${of}${bytesShown(bytes)} of ${total}`),
      });
      submissions.push(submission);
      line.end();
      line.print(`${of}job ${submission.jobId}`);
    }
    return submissions;
  } catch (failure) {
    // Printed even though a later upload failed, because these files are in the bucket.
    if (options.json && !options.wait) console.log(printableJson(submissions));
    throw failure;
  }
}

/** Prints the estimate of each file that is accepted within seconds; with --json, all that is known of the files. */
async function printSubmissions(
  connection: Connection,
  submissions: readonly Submission[],
  { json }: Options,
  line: StatusLine,
): Promise<void> {
  const estimates = await Promise.all(submissions.map(({ jobId }) => jobEstimate(connection, jobId)));
  if (json) {
    const known = submissions.map((each, at) => ({ ...each, estimate: estimates[at] ?? null }));
    console.log(printableJson(known));
    return;
  }
  for (const [at, { file }] of submissions.entries()) {
    const estimate = estimates[at];
    if (estimate) line.print(`${escapeControlCharacters(file)}  ${estimateText(estimate)}`);
  }
}

function addPair(pair: string, pairs: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Use the form name=value.');
  return { ...pairs, [name]: value };
}
