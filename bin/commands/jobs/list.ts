import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { JOB_STATUSES } from '../../../functions/shared/contract/batch-status.ts';
import type { WaitingFor } from '../../../functions/shared/contract/events.ts';
import type { AdmissionQueue } from '../../../functions/shared/domain/admission-queue.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { type ConnectionOptions, connect, withConnectionOptions } from '../../connection/connection.ts';
import { jobFacts } from '../../jobs/job-facts.ts';
import { jobsAndQueue } from '../../jobs/jobs.ts';
import { parseSince, type Since } from '../../jobs/since.ts';
import { counted } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { waitingFor } from '../../terminal/event-line.ts';

interface Options extends ConnectionOptions {
  readonly status?: string;
  readonly since?: Since;
}

/** `batchdrop list`: every job, newest first. */
export function listCommand(): Command {
  return withConnectionOptions(
    new Command('list')
      .description('Lists jobs, newest first: one for each version of a request file.')
      .addOption(
        new Option('--status <status>', 'only jobs in this status').choices(['received', ...JOB_STATUSES]),
      )
      .option(
        '--since <time>',
        'only jobs created since: 90m, 24h, 7d, or a time such as 2026-01-31',
        parseSince,
      ),
  ).action(list);
}

async function list({ status, since, ...options }: Options): Promise<void> {
  const connection = await connect(options);
  try {
    const { jobs: all, line } = await jobsAndQueue(connection);
    const from = since === undefined ? 0 : startOf(since, all);
    const jobs = all.filter(
      (job) => job.createdAt >= from && (status === undefined || job.status === status),
    );
    const places = positionsOf(line);
    if (options.json) {
      const facts = jobs.map((job) => ({ ...jobFacts(job), waiting: places.get(job.jobId) ?? [] }));
      console.log(JSON.stringify(facts, null, 2));
    } else printTable(jobs, all.length, places);
  } finally {
    connection.close();
  }
}

/** Back from now, which on one machine may be ahead of the wall: no job changed later than now. */
function startOf(since: Since, jobs: readonly Job[]): number {
  if ('at' in since) return since.at;
  const latest = jobs.reduce((time, { changedAt }) => Math.max(time, changedAt), 0);
  return Math.max(Date.now(), latest) - since.backMs;
}

/** A part of a job that waits for capacity, and its place among those of its model. */
interface QueuePosition {
  part: number;
  for: WaitingFor;
  position: number;
  since: string;
  /** It is tried again then at the latest, once it is the first. */
  until?: string;
  /** The API rejected it for the token limit though no other batch of its model was open. */
  alone?: true;
}

function positionsOf(line: AdmissionQueue): Map<string, QueuePosition[]> {
  const places = new Map<string, QueuePosition[]>();
  const ahead = new Map<string, number>();
  for (const { jobId, number, model, waiting } of line.inOrder()) {
    const position = (ahead.get(model) ?? 0) + 1;
    ahead.set(model, position);
    const since = new Date(waiting.since).toISOString();
    const until = waiting.until === undefined ? {} : { until: new Date(waiting.until).toISOString() };
    const alone = waiting.alone ? { alone: waiting.alone } : {};
    const place = { part: number, for: waiting.for, position, since, ...until, ...alone };
    places.set(jobId, [...(places.get(jobId) ?? []), place]);
  }
  return places;
}

function printTable(jobs: readonly Job[], inAll: number, places: ReadonlyMap<string, QueuePosition[]>): void {
  if (jobs.length === 0) {
    console.log(
      inAll === 0
        ? 'No jobs: batchdrop submit FILE makes one.'
        : `None of ${counted(inAll, 'job', 'jobs')} is of that kind.`,
    );
    return;
  }
  const header = `${'JOB'.padEnd(26)}  ${'STATUS'.padEnd(9)}  ${'ROWS'.padStart(7)}  ${'CREATED'.padEnd(16)}  FILE`;
  console.log(styleText('dim', header));
  for (const { jobId, status, plan, createdAt, request } of jobs) {
    const created = new Date(createdAt).toISOString().slice(0, 16).replace('T', ' ');
    const rows = String(plan?.rows ?? '').padStart(7);
    console.log(
      fitting(`${jobId}  ${status.padEnd(9)}  ${rows}  ${created}  ${escapeControlCharacters(request.key)}`),
    );
    const waiting = waitingLine(places.get(jobId) ?? [], plan?.parts ?? 1);
    if (waiting !== undefined) console.log(fitting(waiting));
  }
}

function waitingLine([first, ...others]: readonly QueuePosition[], parts: number): string | undefined {
  if (!first) return undefined;
  const share = parts === 1 ? '' : ` (${others.length + 1} of ${parts} batches wait)`;
  const advice = first.alone ? '; refused while alone, so set enqueuedTokens and put the file again' : '';
  return `  waiting: ${waitingFor(first.for)}, position ${first.position}${share}${advice}`;
}

/** A terminal gets lines as wide as it is, a pipe gets them whole. */
function fitting(line: string): string {
  const { isTTY, columns } = process.stdout;
  return isTTY && line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
}
