/**
 * Deletes the contents of an ended job for good, in this order: its objects in the results bucket, its files at the API, the
 * versions of its request file, and what the ledger knows of it. The job itself is last: until then, the command can be
 * interrupted and repeated.
 */
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { isSameAccount } from '../../../functions/shared/domain/openai-account.ts';
import { apiKeysOf } from '../../connection/api-keys.ts';
import type { Connection } from '../../connection/connection.ts';
import { apiOf } from '../../connection/stack-names.ts';
import { counted } from '../../terminal/amounts.ts';
import { Failure } from '../../terminal/failure.ts';
import { abortUploads, removeVersions, versionsOf } from '../object-removal.ts';
import type { FoundObjects, JobContents } from './job-contents.ts';

const MAX_IN_CALL = 1_000; // of DeleteObjects

interface PurgeOptions {
  /** Leave the files at the API. */
  readonly leavesApiFiles: boolean;
  /** Delete the record of what the job cost as well. */
  readonly includesCosts: boolean;
}

/** Deletes the contents. Throws a Failure if something remains; nothing that it needs to try again is deleted then. */
export async function purgeJob(
  connection: Connection,
  contents: JobContents,
  { leavesApiFiles, includesCosts }: PurgeOptions,
): Promise<void> {
  const { job, results, uploads, requests, costRecord } = contents;
  for (const { place, open } of uploads) await abortUploads(place, open);
  for (const found of results) await removeAll(found);
  if (!leavesApiFiles) await removeFiles(connection, contents);
  if (includesCosts && costRecord !== undefined) {
    const place = { ...requests.place, bucket: connection.names.resultsBucket };
    await removeAll({ place, versions: await versionsOf(place, costRecord) });
  }
  await removeAll(requests);
  await forgetKey(connection, contents);
  for (const copy of contents.copies) await connection.removal.remove(copy, []);
  await connection.removal.remove(job.jobId, contents.batchIds);
}

async function removeAll({ place, versions }: FoundObjects): Promise<void> {
  for (let from = 0; from < versions.length; from += MAX_IN_CALL)
    await removeVersions(place, versions.slice(from, from + MAX_IN_CALL));
}

/** Deletes the files at the API. With another account's key, every file seems to be gone, so that is no proof. */
async function removeFiles(connection: Connection, { files, job }: JobContents): Promise<void> {
  if (files.length === 0) return;
  const { target } = connection;
  const api = await apiOf(target);
  const keys = apiKeysOf(target, api);
  const many = counted(files.length, 'file', 'files');
  const rest = 'To purge the rest: add --leave-api-files';
  if (keys === undefined)
    throw new Failure(
      `The key of the API cannot be read from here, so ${many} at the API could not be deleted. ${rest}`,
    );
  const client = createOpenAiBatchApi({ baseUrl: api.baseUrl, keys });
  const remaining: string[] = [];
  for (const { fileId, account: owner } of files) {
    const { was, account } = await client.deleteFile(fileId);
    const isGone = was === 'deleted' || owner === undefined || isSameAccount(owner, account);
    if (!isGone) remaining.push(fileId);
  }
  if (remaining.length === 0) return;
  throw new Failure(
    `${remaining.length} of ${many} of job ${job.jobId} belong to another account than the key: ${remaining.slice(0, 3).join(', ')}. Delete them there, or repeat the command with that key in the secret. ${rest}`,
  );
}

/** A later upload of the same bytes must not join the purged job. Without any version, nothing is left to know of the key. */
async function forgetKey({ ledger, removal }: Connection, contents: JobContents): Promise<void> {
  const { job, requests, copies } = contents;
  const { bucket, key } = job.request;
  const remaining = await versionsOf(requests.place, key);
  if (remaining.every(({ isMarker }) => isMarker)) {
    await removeAll({ place: requests.place, versions: remaining });
    await removal.removeKey(bucket, key);
    return;
  }
  const pointer = await ledger.readKeyPointer(bucket, key);
  const gone = new Set([job.jobId, ...copies]);
  const runs = pointer?.runs?.filter(({ jobId }) => !gone.has(jobId));
  if (pointer === undefined || runs === undefined || runs.length === pointer.runs?.length) return;
  if (await ledger.replaceKeyPointer({ ...pointer, runs })) return;
  throw new Failure(`A file with the key ${key} arrived at this moment. Repeat the command.`);
}
