import { Command } from 'commander';
import type { Job } from '../../../functions/shared/domain/job.ts';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { fetchResults } from '../../jobs/fetch-results.ts';
import { findJob } from '../../jobs/find-job.ts';
import { hasEnded } from '../../jobs/follow-job.ts';
import { heldSentence } from '../../jobs/held-sentence.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';
import { Failure } from '../../terminal/failure.ts';
import { printMerged } from './with-retries.ts';

interface Options extends ConnectionOptions {
  readonly out?: string;
  readonly withRetries?: boolean;
}

/** `batchdrop results`: downloads the results of a job. */
export function resultsCommand(): Command {
  return withConnectionOptions(
    new Command('results')
      .summary('Download the results of a job')
      .description(
        'Download the results of a job: output.jsonl, errors.jsonl, summary.json, and anomalies.jsonl if results match no request. For a rejected file: rejected.json.',
      )
      .argument('<id>', 'a job id, its first characters, or the id of one of its batches')
      .option(
        '-o, --out <directory>',
        'where to store them (default: a new directory named after the job id)',
      )
      .option(
        '--with-retries',
        'merge the results of the job with those of its retries: output.jsonl and errors.jsonl',
      ),
  ).action(results);
}

async function results(id: string, options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const job = await findJob(connection, id);
    refuseUnfinished(job);
    const directory = options.out ?? job.jobId; // not the key of the file, which could point anywhere
    if (options.withRetries) return printMerged(connection, job, directory, options);
    const files = await fetchResults(connection, job, directory);
    if (files.length === 0) throw new Failure(`Job ${job.jobId} ended as ${job.status} without results.`);
    if (options.json) console.log(printableJson({ jobId: job.jobId, status: job.status, files }));
    else for (const file of files) console.log(escapeControlCharacters(file));
  });
}

function refuseUnfinished(job: Job): void {
  if (job.status === 'joined') {
    throw new Failure(
      `Job ${job.jobId} has no results of its own: the same bytes ran as job ${job.joinedJobId}. To get them: batchdrop results ${job.joinedJobId}`,
    );
  }
  if (job.hold)
    throw new Failure(
      `Job ${job.jobId} has no results yet: ${heldSentence(job.jobId, job.hold, job.plan?.estimate)}.`,
    );
  if (!hasEnded(job)) {
    throw new Failure(
      `Job ${job.jobId} has no results yet, its status is ${job.status}. To wait for it: batchdrop wait ${job.jobId.slice(0, 8)}`,
    );
  }
}
