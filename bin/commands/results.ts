import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, NoSuchKey } from '@aws-sdk/client-s3';
import { Command } from 'commander';
import type { Job } from '../../functions/shared/core/job.ts';
import { reportKey, resultKeys } from '../../functions/shared/core/result-keys.ts';
import { type Connection, type ConnectionOptions, connect, withConnectionOptions } from '../connection.ts';
import { Failure } from '../failure.ts';
import { hasEnded, jobOf } from '../jobs.ts';

interface Options extends ConnectionOptions {
  readonly out?: string;
  readonly json?: boolean;
}

/** `batchdrop results`: brings a job's results to this machine. */
export function resultsCommand(): Command {
  return withConnectionOptions(
    new Command('results')
      .description(
        'Fetches the results of a job: output.jsonl, errors.jsonl and summary.json, or rejected.json for a refused file.',
      )
      .argument('<id>', 'a job id, or the id of one of its batches')
      .option('--out <directory>', 'where to put them (default: a new folder named by the job id)'),
  ).action(results);
}

async function results(id: string, options: Options): Promise<void> {
  const connection = await connect(options);
  try {
    const job = await jobOf(connection, id);
    refuseUnfinished(job);
    const directory = options.out ?? job.jobId; // of our own making: a file's key never becomes a path here
    await mkdir(directory, { recursive: true });
    const files: string[] = [];
    for (const { key, name } of filesOf(job)) {
      const path = join(directory, name);
      if (await fetchObject(connection, key, path)) files.push(path);
    }
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

function filesOf(job: Job): { key: string; name: string }[] {
  if (job.status === 'rejected') return [{ key: reportKey(job), name: 'rejected.json' }];
  const { output, errors, summary } = resultKeys(job);
  return [
    { key: output, name: 'output.jsonl' },
    { key: errors, name: 'errors.jsonl' },
    { key: summary, name: 'summary.json' },
  ];
}

/** False when there is no such object. The file is there whole or not at all. */
async function fetchObject({ s3, names }: Connection, key: string, path: string): Promise<boolean> {
  const draft = `${path}.part`;
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: names.resultsBucket, Key: key }));
    if (!(Body instanceof Readable))
      throw new Failure(`s3://${names.resultsBucket}/${key} came without content.`);
    await pipeline(Body, createWriteStream(draft));
    await rename(draft, path);
    return true;
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof NoSuchKey) return false;
    throw error;
  }
}
