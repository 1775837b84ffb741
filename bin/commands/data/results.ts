import { Command, Option } from 'commander';
import type { Job } from '../../../functions/shared/domain/job.ts';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { TABLE_FORMATS } from '../../data/results/table-formats.ts';
import { checkTableFlags, type TableFlags, writeTable } from '../../data/results/write-table.ts';
import { fetchResults } from '../../jobs/fetch-results.ts';
import { findJob } from '../../jobs/find-job.ts';
import { hasEnded } from '../../jobs/follow-job.ts';
import { heldSentence } from '../../jobs/held-sentence.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';
import { Failure } from '../../terminal/failure.ts';
import { printMerged } from './with-retries.ts';

interface Options extends ConnectionOptions, TableFlags {
  readonly out?: string;
  readonly withRetries?: boolean;
}

/** `batchdrop results`: downloads the results of a job. */
export function resultsCommand(): Command {
  return withConnectionOptions(
    new Command('results')
      .summary('Download the results of a job')
      .description(
        'Download the results of a job: output.jsonl, errors.jsonl, summary.json, output.csv if the job has it, and anomalies.jsonl if results match no request. For a rejected file: rejected.json. With --format, write one table instead.',
      )
      .argument('<id>', 'a job id, its first characters, or the id of one of its batches')
      .option(
        '-o, --out <path>',
        'a directory for them (default: a new one named after the job id); with --format, a file (default: print)',
      )
      .addOption(
        new Option(
          '--with-retries',
          'merge the results of the job with those of its retries: output.jsonl and errors.jsonl',
        ).conflicts('format'),
      )
      .optionsGroup('One table, a row for each request:')
      .addOption(new Option('--format <format>', 'write one table').choices(TABLE_FORMATS))
      .option('--join <file>', 'with the columns of your file: CSV, TSV, JSON Lines or Parquet')
      .option('--id <column>', 'the column of that file with the ids of the requests (default: custom_id)')
      .option('--fields <names>', 'only these columns, in this order, separated by commas')
      .option('--spreadsheet', 'with --format csv: texts that begin as a formula get an apostrophe in front')
      .option('--requests <file>', 'your copy of the request file, if it is no longer in the bucket')
      .option('--prices <file>', 'a JSON file with prices of models, as for up')
      .addHelpText('after', EXAMPLES),
  ).action(results);
}

const EXAMPLES = `
Examples:
  batchdrop results 4fzq --out results
  batchdrop results 4fzq --format csv --join reviews.csv --id review_id -o classified.csv
  batchdrop results 4fzq --format parquet --fields custom_id,mood,cost -o moods.parquet`;

async function results(id: string, options: Options): Promise<void> {
  checkTableFlags(options);
  await withConnection(options, async (connection) => {
    const job = await findJob(connection, id);
    refuseUnfinished(job);
    const { format } = options;
    if (format !== undefined) return writeTable(connection, job, { ...options, format });
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
