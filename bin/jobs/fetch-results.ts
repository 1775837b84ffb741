import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, NoSuchKey } from '@aws-sdk/client-s3';
import { resultFileKeys } from '../../functions/shared/contract/result-keys.ts';
import type { Job } from '../../functions/shared/domain/job.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';

/**
 * Downloads the results of a job into a directory and returns their paths. Each file is stored completely or not at
 * all.
 */
export async function fetchResults(connection: Connection, job: Job, directory: string): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  const files: string[] = [];
  for (const { key, name } of resultFileKeys(job, connection.names.resultsPrefix)) {
    const path = join(directory, name);
    if (await fetchObject(connection, key, path)) files.push(path);
  }
  return files;
}

/** Downloads one object. Returns false if it does not exist. */
async function fetchObject({ s3, names }: Connection, key: string, path: string): Promise<boolean> {
  const draft = `${path}.part`;
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: names.resultsBucket, Key: key }));
    if (!(Body instanceof Readable))
      throw new Failure(`S3 returned no content for s3://${names.resultsBucket}/${key}. Try again.`);
    await pipeline(Body, createWriteStream(draft));
    await rename(draft, path);
    return true;
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof NoSuchKey) return false;
    throw error;
  }
}
