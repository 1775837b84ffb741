import { copyFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { bucketsOf } from '../../connection/buckets.ts';
import { confirm, placeShown } from '../../connection/confirm-place.ts';
import {
  type ActionOptions,
  type Connection,
  withActionOptions,
  withConnection,
} from '../../connection/connection.ts';
import { findJob } from '../../jobs/find-job.ts';
import { retryQuestion, retryRefusal } from '../../jobs/retry/retry-text.ts';
import { planRetry, type RetriedRows, type RetryPlan, sendRetry } from '../../jobs/retry-job.ts';
import {
  awaitJobs,
  WAIT_EXIT_CODES,
  type WaitOptions,
  withWaitOptions,
} from '../../jobs/waiting/await-jobs.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { Failure } from '../../terminal/failure.ts';
import { fitted } from '../../terminal/fit-line.ts';
import { type FormatOptions, isForPeople, printFacts } from '../../terminal/output-format.ts';
import { shortId } from '../../terminal/short-id.ts';
import { StatusLine } from '../../terminal/status-line.ts';

interface Options extends ActionOptions, FormatOptions, WaitOptions {
  readonly missing?: boolean;
  readonly all?: boolean;
  readonly wait?: boolean;
  readonly out?: string;
}

/** `batchdrop retry`: runs the rows of an ended job again that did not succeed. */
export function retryCommand(): Command {
  const command = withWaitOptions(
    new Command('retry')
      .summary('Run rows of an ended job again')
      .description(
        'Run the rows of an ended job again that failed, expired, or were cancelled. They become a new job, whose file is named after the file of the job: a.retry-1.jsonl. A repeat sends nothing twice. To get all results in one: batchdrop results JOB --with-retries',
      )
      .argument('<job>', 'a job id, or its first characters')
      .addOption(
        new Option(
          '--missing',
          'also rows without a result, which the API may have run and billed',
        ).conflicts('all'),
      )
      .option(
        '--all',
        'every row that did not succeed: also those without a result, and those that the API refused (HTTP status 4xx)',
      )
      .option('-o, --out <file>', 'only write the rows to a file, and send nothing')
      .option('--wait', 'wait until the new job has ended, and print what failed'),
  );
  return withExamples(
    withActionOptions(command).addHelpText('after', WAIT_EXIT_CODES),
    'batchdrop retry kntg2abc',
    'batchdrop retry kntg2abc --all --yes --wait',
    'batchdrop retry kntg2abc -o failed.jsonl',
  ).action(retry);
}

async function retry(id: string, options: Options): Promise<void> {
  const line = new StatusLine(isForPeople(options) ? process.stdout : { write: () => {} });
  await withConnection(options, async (connection) => {
    const job = await findJob(connection, id);
    const rows: RetriedRows = options.all ? 'all' : options.missing ? 'missing' : 'default';
    const plan = await planRetry({ ...bucketsOf(connection), ledger: connection.ledger }, job, rows);
    try {
      if (plan.file && options.out !== undefined)
        await writeOut(plan, plan.file.source.path, options.out, options);
      else if (plan.file) await send(connection, plan, options, line);
      else await printNothing(connection, plan, options, line);
    } finally {
      plan.discard();
    }
  }).finally(() => line.end());
}

async function writeOut(plan: RetryPlan, from: string, to: string, options: Options): Promise<void> {
  await copyFile(from, to);
  const sentence = `Wrote ${retryQuestion(plan).rows} of job ${plan.job.jobId} to ${to}. Nothing was sent.`;
  printFacts(options, { ...factsOf(plan), file: to }, () => [escapeControlCharacters(sentence)]);
}

async function send(
  connection: Connection,
  plan: RetryPlan,
  options: Options,
  line: StatusLine,
): Promise<void> {
  const { rows, lines } = retryQuestion(plan);
  for (const text of lines) line.print(fitted(text));
  if (!options.yes) await confirm(`Run ${rows} again${placeShown(connection)}?`);
  const submission = await sendRetry(connection, plan);
  line.print(
    `${escapeControlCharacters(plan.key)}  job ${submission.jobId}, retry of ${shortId(plan.job.jobId)}${placeShown(connection)}`,
  );
  if (options.wait) await awaitJobs(connection, [{ jobId: submission.jobId, file: plan.key }], options, line);
  else {
    printFacts(options, { ...factsOf(plan), jobId: submission.jobId }, () => [
      `To wait for it: batchdrop wait ${shortId(submission.jobId)}`,
    ]);
  }
}

/** A repeat of a retry follows the first one. Throws a Failure if no row may run again without an option. */
async function printNothing(
  connection: Connection,
  plan: RetryPlan,
  options: Options,
  line: StatusLine,
): Promise<void> {
  const refusal = retryRefusal(plan);
  if (refusal.isFailure) throw new Failure(refusal.sentence);
  const [newest] = plan.earlier.slice(-1);
  line.print(escapeControlCharacters(refusal.sentence));
  if (newest && options.wait)
    return awaitJobs(connection, [{ jobId: newest.jobId, file: newest.request.key }], options, line);
  printFacts(options, { ...factsOf(plan), jobId: newest?.jobId ?? null }, () => []);
}

function factsOf({ job, key, rows, maybeBilled, left, taken, earlier, file }: RetryPlan): object {
  return {
    ...{ jobId: null, retryOf: job.jobId, key, rows, maybeBilled, left, taken },
    earlier: earlier.map(({ jobId }) => jobId),
    estimate: file?.estimate ?? null,
  };
}
