import { Command } from 'commander';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { type ConnectionOptions, connect, withConnectionOptions } from '../../connection/connection.ts';
import { fetchResults } from '../../jobs/fetch-results.ts';
import { findJob } from '../../jobs/find-job.ts';
import { hasEnded } from '../../jobs/follow-job.ts';
import { Failure } from '../../terminal/failure.ts';

interface Options extends ConnectionOptions {
  readonly out?: string;
}

/** `batchdrop results`: brings a job's results to this machine. */
export function resultsCommand(): Command {
  return withConnectionOptions(
    new Command('results')
      .description(
        'Fetches the results of a job: output.jsonl, errors.jsonl, summary.json and, if there are lines of no row, anomalies.jsonl; rejected.json for a refused file.',
      )
      .argument('<id>', 'a job id, or the id of one of its batches')
      .option('--out <directory>', 'where to put them (default: a new folder named by the job id)'),
  ).action(results);
}

async function results(id: string, options: Options): Promise<void> {
  const connection = await connect(options);
  try {
    const job = await findJob(connection, id);
    refuseUnfinished(job);
    const directory = options.out ?? job.jobId; // of our own making: a file's key never becomes a path here
    const files = await fetchResults(connection, job, directory);
    if (files.length === 0) throw new Failure(`Job ${job.jobId} (${job.status}) left no results.`);
    if (options.json) console.log(JSON.stringify({ jobId: job.jobId, status: job.status, files }));
    else for (const file of files) console.log(file);
  } finally {
    connection.close();
  }
}

function refuseUnfinished(job: Job): void {
  if (job.status === 'joined') {
    throw new Failure(
      `Job ${job.jobId} joined job ${job.joinedJobId}, whose bytes are the same: its results are the ones.`,
    );
  }
  if (!hasEnded(job)) {
    throw new Failure(
      `Job ${job.jobId} is ${job.status}: there are no results yet. batchdrop list shows how it goes on.`,
    );
  }
}
