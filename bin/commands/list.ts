import { styleText } from 'node:util';
import { Command } from 'commander';
import type { Job } from '../../functions/shared/core/job.ts';
import { type ConnectionOptions, connect, withConnectionOptions } from '../connection.ts';
import { printable } from '../event-line.ts';
import { allJobs } from '../jobs.ts';

interface Options extends ConnectionOptions {
  readonly status?: string;
  readonly json?: boolean;
}

/** `batchdrop list`: every job, newest first. */
export function listCommand(): Command {
  return withConnectionOptions(
    new Command('list')
      .description('Lists jobs, newest first: one for each version of a request file.')
      .option('--status <status>', 'only jobs in this status, such as submitted, completed or rejected'),
  ).action(list);
}

async function list(options: Options): Promise<void> {
  const connection = await connect(options);
  try {
    const jobs = (await allJobs(connection)).filter(
      ({ status }) => options.status === undefined || status === options.status,
    );
    if (options.json) console.log(JSON.stringify(jobs.map(jobFacts), null, 2));
    else printTable(jobs);
  } finally {
    connection.close();
  }
}

/** What programs are told of a job: what its events tell, no more. */
export function jobFacts(job: Job): object {
  const { jobId, status, request, rows, usage, plan, reason, joinedJobId, findings, createdAt, changedAt } =
    job;
  return {
    jobId,
    status,
    request: { bucket: request.bucket, key: request.key, versionId: request.versionId, size: request.size },
    createdAt: new Date(createdAt).toISOString(),
    changedAt: new Date(changedAt).toISOString(),
    ...(plan && { planned: { rows: plan.rows, parts: plan.parts } }),
    ...(rows && { rows }),
    ...(usage && { usage }),
    ...(joinedJobId !== undefined && { joinedJobId }),
    ...(findings && { findings }),
    ...(reason && { reason }),
  };
}

function printTable(jobs: readonly Job[]): void {
  if (jobs.length === 0) {
    console.log('No jobs: batchdrop submit FILE makes one.');
    return;
  }
  console.log(
    styleText(
      'dim',
      `${'JOB'.padEnd(26)}  ${'STATUS'.padEnd(9)}  ${'ROWS'.padStart(9)}  CREATED              FILE`,
    ),
  );
  for (const { jobId, status, plan, createdAt, request } of jobs) {
    const created = new Date(createdAt).toISOString().slice(0, 19).replace('T', ' ');
    const rows = String(plan?.rows ?? '').padStart(9);
    console.log(`${jobId}  ${status.padEnd(9)}  ${rows}  ${created}  ${printable(request.key)}`);
  }
}
