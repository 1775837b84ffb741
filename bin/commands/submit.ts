import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { Command, InvalidArgumentError } from 'commander';
import { METADATA_PREFIX } from '../../functions/shared/contract/request-file.ts';
import { jobIdOf } from '../../functions/shared/core/job-id.ts';
import { type Connection, type ConnectionOptions, connect, withConnectionOptions } from '../connection.ts';
import { Failure } from '../failure.ts';
import { followJob } from '../jobs.ts';
import { jobFacts } from './list.ts';

interface Options extends ConnectionOptions {
  readonly wait?: boolean;
  readonly meta: Record<string, string>;
  readonly json?: boolean;
}

/** A file as it was put. */
export interface Submission {
  readonly file: string;
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly jobId: string;
}

const LARGEST_PUT_BYTES = 5 * 1024 ** 3; // S3's limit for one PutObject

/** `batchdrop submit`: puts request files into the request bucket. */
export function submitCommand(): Command {
  return withConnectionOptions(
    new Command('submit')
      .description('Puts request files (.jsonl) into the request bucket and tells their job ids.')
      .argument('<file...>', 'request files; each becomes an object of the same name')
      .option('--wait', 'wait until every job ended; the exit code is 0 only if all are completed')
      .option(
        '--meta <name=value>',
        'metadata of the batches and events, may be repeated; rerun=yes runs bytes that ran before',
        addPair,
        {},
      ),
  ).action(submit);
}

async function submit(files: string[], options: Options): Promise<void> {
  const connection = await connect(options);
  try {
    const submissions: Submission[] = [];
    for (const file of files) {
      const submission = await putFile(connection, file, options.meta);
      submissions.push(submission);
      if (!options.json) console.log(`${submission.file}  job ${submission.jobId}`);
    }
    if (options.wait) await waitForAll(connection, submissions, options.json ?? false);
    else if (options.json) console.log(JSON.stringify(submissions));
  } finally {
    connection.close();
  }
}

/** Streams one file into the request bucket. */
export async function putFile(
  { s3, names }: Connection,
  file: string,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Submission> {
  const size = await sizeOf(file);
  const [bucket, key] = [names.requestBucket, basename(file)];
  const { VersionId: versionId } = await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: createReadStream(file),
      ContentLength: size,
      ContentType: 'application/jsonl',
      Metadata: Object.fromEntries(
        Object.entries(metadata).map(([name, value]) => [METADATA_PREFIX + name, value]),
      ),
    }),
  );
  if (versionId === undefined) throw new Failure(`The bucket ${bucket} has no versions: turn versioning on.`);
  return { file, bucket, key, versionId, jobId: jobIdOf({ bucket, key, versionId }) };
}

async function sizeOf(file: string): Promise<number> {
  const facts = await stat(file).catch((cause: Error) => {
    throw new Failure(`${file} cannot be read: ${cause.message}`, { cause });
  });
  if (!facts.isFile()) throw new Failure(`${file} is no file.`);
  if (facts.size > LARGEST_PUT_BYTES) {
    throw new Failure(
      `${file} is over 5 GiB, more than one PutObject takes: use aws s3 cp, or split the file.`,
    );
  }
  return facts.size;
}

async function waitForAll(connection: Connection, submissions: Submission[], json: boolean): Promise<void> {
  const jobs = await Promise.all(
    submissions.map(({ jobId, file }) =>
      followJob(connection, jobId, {
        onStatus: (job) => {
          if (!json) console.log(`${file}  ${job.status}${job.jobId === jobId ? '' : ` (job ${job.jobId})`}`);
        },
      }),
    ),
  );
  if (json)
    console.log(
      JSON.stringify(
        jobs.map((job) => job && jobFacts(job)),
        null,
        2,
      ),
    );
  if (!jobs.every((job) => job?.status === 'completed')) process.exitCode = 1;
}

function addPair(pair: string, pairs: Record<string, string>): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('It has the form name=value.');
  return { ...pairs, [name]: value };
}
