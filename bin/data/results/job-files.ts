import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readObject } from '../../../functions/shared/adapters/s3/object.ts';
import { resultKeys } from '../../../functions/shared/contract/result-keys.ts';
import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Sources } from '../../../functions/shared/flat-results/ordered-results.ts';
import type { Connection } from '../../connection/connection.ts';
import { Failure } from '../../terminal/failure.ts';
import { temporaryFolder } from '../../terminal/temporary-folder.ts';

/** The files that a table is made of. */
export interface JobFiles {
  /** The request file, as often as it is needed. */
  readonly requests: () => AsyncIterable<Uint8Array>;
  readonly results: () => Omit<Sources, 'requests'>;
  /** Deletes the copy of the request file. */
  readonly discard: () => void;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * Opens the files of a job. The request file is read twice, so it is copied to a temporary folder, unless `requests` names
 * the user's own. Throws a Failure.
 */
export async function openJobFiles(
  connection: Connection,
  job: Job,
  { requests }: { requests?: string },
): Promise<JobFiles> {
  const { output, errors } = resultKeys(job, connection.names.resultsPrefix);
  const results = () => ({ output: objectOf(connection, output), errors: objectOf(connection, errors) });
  const open = (path: string) => () => createReadStream(path, { highWaterMark: CHUNK_BYTES });
  if (requests !== undefined) {
    await stat(requests).catch((cause: Error) => {
      throw new Failure(`--requests: ${requests} cannot be read: ${cause.message}`, { cause });
    });
    return { requests: open(requests), results, discard: () => undefined };
  }
  const { path: folder, discard } = temporaryFolder('batchdrop-requests');
  const path = join(folder, 'requests.jsonl');
  try {
    await pipeline(requestFile(connection, job), createWriteStream(path, { mode: 0o600 }));
  } catch (failure) {
    discard();
    throw failure;
  }
  return { requests: open(path), results, discard };
}

/** Reads the version of the request file that ran. Errors: a Failure if it is gone. */
async function* requestFile({ s3 }: Connection, { jobId, request }: Job): AsyncGenerator<Uint8Array> {
  try {
    yield* readObject(s3, { ...request, owner: undefined });
  } catch (cause) {
    if (!(cause instanceof TerminalError)) throw cause;
    throw new Failure(
      `The request file of job ${jobId} is no longer in its bucket, and the table has its order and its columns. Give your copy: --requests ${request.key.split('/').at(-1)}`,
      { cause },
    );
  }
}

async function* objectOf({ s3, names }: Connection, key: string): AsyncGenerator<Uint8Array> {
  try {
    yield* readObject(s3, { bucket: names.resultsBucket, key, owner: undefined });
  } catch (cause) {
    if (!(cause instanceof TerminalError)) throw cause;
    throw new Failure(`There is no s3://${names.resultsBucket}/${key}: the results have been deleted.`, {
      cause,
    });
  }
}
