import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { JOB_STATUSES } from '../../functions/shared/contract/batch-status.ts';
import type { Job } from '../../functions/shared/core/job.ts';
import { counted } from '../amounts.ts';
import { type ConnectionOptions, connect, withConnectionOptions } from '../connection.ts';
import { printable } from '../event-line.ts';
import { jobFacts } from '../job-facts.ts';
import { allJobs } from '../jobs.ts';
import { parseSince, type Since } from '../since.ts';

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
    const all = await allJobs(connection);
    const from = since === undefined ? 0 : startOf(since, all);
    const jobs = all.filter(
      (job) => job.createdAt >= from && (status === undefined || job.status === status),
    );
    if (options.json) console.log(JSON.stringify(jobs.map(jobFacts), null, 2));
    else printTable(jobs, all.length);
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

function printTable(jobs: readonly Job[], inAll: number): void {
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
    console.log(fitting(`${jobId}  ${status.padEnd(9)}  ${rows}  ${created}  ${printable(request.key)}`));
  }
}

/** A terminal gets lines as wide as it is, a pipe gets them whole. */
function fitting(line: string): string {
  const { isTTY, columns } = process.stdout;
  return isTTY && line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
}
