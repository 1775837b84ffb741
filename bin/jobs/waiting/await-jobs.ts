/** What `wait` and `submit --wait` do: they wait, say what failed, and set the exit code. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { bucketsOf } from '../../connection/buckets.ts';
import type { Connection } from '../../connection/connection.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';
import { shortId } from '../../terminal/short-id.ts';
import type { StatusLine } from '../../terminal/status-line.ts';
import { untilStopped } from '../../terminal/stop-signal.ts';
import { errorReport } from '../details/error-kinds.ts';
import { hasEnded } from '../follow-job.ts';
import { jobFacts } from '../job-facts.ts';
import { EXIT_CODE, exitCodeOf, worstOf } from './exit-code.ts';
import { type MaxFailed, parseMaxFailed } from './failed-rows.ts';
import { failureDigest } from './failure-digest.ts';
import { type AwaitedJob, waitForJobs } from './wait-for-jobs.ts';

/** The options of every command that waits. */
export interface WaitOptions {
  readonly maxFailed?: MaxFailed;
  /** Milliseconds of real time. */
  readonly timeout?: number;
}

/** The exit codes of a command that waits, for its help. */
export const WAIT_EXIT_CODES = `
Exit codes of a wait, for several jobs the first that applies:
  1    no row of a job succeeded, or its file was rejected
  3    more rows of a job failed than --max-failed allows
  4    a job has not ended after --timeout
  130  Ctrl-C; the jobs go on`;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_TIMEOUT_MS = 2 ** 31 - 1; // of a timer

/** Adds the options of a wait. */
export function withWaitOptions(command: Command): Command {
  return command
    .option(
      '--max-failed <n|p%>',
      'how many rows, or which share of them, may fail, expire, be cancelled or be missing (default: 0)',
      parseMaxFailed,
    )
    .option('--timeout <time>', 'wait no longer than this: 90s, 30m, 24h', parseTimeout);
}

/** Waits for the jobs, prints what failed to stderr, prints the jobs unless people read the output, and sets the exit code. */
export async function awaitJobs(
  connection: Connection,
  awaited: readonly AwaitedJob[],
  options: WaitOptions & FormatOptions,
  line: StatusLine,
): Promise<void> {
  const { maxFailed = { rows: 0 }, timeout } = options;
  const stopping = new AbortController();
  void untilStopped().then(() => stopping.abort());
  const signals = [stopping.signal, ...(timeout === undefined ? [] : [AbortSignal.timeout(timeout)])];
  const jobs = await waitForJobs(connection, awaited, line, AbortSignal.any(signals));
  printFacts(
    options,
    jobs.map((job, at) => (job ? jobFacts(job) : { jobId: awaited[at]?.jobId })),
    () => [],
  );
  await printFailures(connection, awaited, jobs);
  const open = awaited.filter((_, at) => isOpen(jobs[at]));
  if (open.length > 0) console.error(openSentence(open, stopping.signal.aborted));
  process.exitCode = stopping.signal.aborted
    ? EXIT_CODE.stopped
    : worstOf(jobs.map((job) => exitCodeOf(job, maxFailed)));
}

async function printFailures(
  connection: Connection,
  awaited: readonly AwaitedJob[],
  jobs: readonly (Job | undefined)[],
): Promise<void> {
  const { results } = bucketsOf(connection);
  for (const [at, { file }] of awaited.entries()) {
    const job = jobs[at];
    if (job === undefined) continue;
    const lines = failureDigest(file, job, await errorReport(results, job), connection.names);
    for (const text of lines) console.error(text);
  }
}

function openSentence(open: readonly AwaitedJob[], isStopped: boolean): string {
  const [one, ...others] = open;
  const files = others.length === 0 ? escapeControlCharacters(one?.file ?? '') : `${open.length} files`;
  const goesOn = isStopped
    ? `The wait ended, and ${others.length === 0 ? 'the job goes' : 'the jobs go'} on`
    : 'The time is over';
  const ids = open.map(({ jobId }) => shortId(jobId)).join(' ');
  return `${goesOn}: ${files}. To wait again: batchdrop wait ${ids}, to stop: batchdrop cancel ${shortId(one?.jobId ?? '')}`;
}

function isOpen(job: Job | undefined): boolean {
  return job === undefined || !hasEnded(job);
}

function parseTimeout(value: string): number {
  const [, count = '', unit = ''] = /^(\d+)([smhd])$/.exec(value) ?? [];
  const milliseconds = Number(count) * (UNIT_MS[unit] ?? 0);
  if (milliseconds > 0 && milliseconds <= MAX_TIMEOUT_MS) return milliseconds;
  throw new InvalidArgumentError('Give seconds, minutes, hours or days, such as 90s, 30m, 24h; at most 24d.');
}
