import { HeadObjectCommand, NotFound } from '@aws-sdk/client-s3';
import { costKey, resultFileKeys } from '../../../functions/shared/contract/result-keys.ts';
import { internalFolder } from '../../../functions/shared/domain/internal-keys.ts';
import { isOver, type Job } from '../../../functions/shared/domain/job.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import type { FileAtApi } from '../../../functions/shared/domain/spending/intents.ts';
import { everyFileOf } from '../../../functions/shared/lifecycle/spending/files-at-api.ts';
import { allWithPast } from '../../../functions/shared/lifecycle/spending/past-attempts.ts';
import type { Connection } from '../../connection/connection.ts';
import { accountIn } from '../../connection/stack-names.ts';
import { Failure } from '../../terminal/failure.ts';
import { shortId } from '../../terminal/short-id.ts';
import {
  everyVersion,
  type ObjectPlace,
  type ObjectVersion,
  type OpenUpload,
  openUploads,
  versionsOf,
} from '../object-removal.ts';

/** A place in a bucket, and what is in it. */
export interface FoundObjects {
  readonly place: ObjectPlace;
  readonly versions: readonly ObjectVersion[];
}

/** Everything that a Batchdrop has of an ended job. */
export interface JobContents {
  readonly job: Job;
  /** The versions of its request file: its own, and later uploads of the same bytes that did not run by themselves. */
  readonly requests: FoundObjects;
  /** Those uploads' jobs. */
  readonly copies: readonly string[];
  /** Jobs of the same key that ran the same bytes by themselves. A purge leaves them. */
  readonly others: readonly string[];
  readonly results: readonly FoundObjects[];
  readonly uploads: readonly { readonly place: ObjectPlace; readonly open: readonly OpenUpload[] }[];
  /** How many items the ledger has of the job and its copies. */
  readonly items: number;
  readonly batchIds: readonly string[];
  readonly files: readonly FileAtApi[];
  /** The key of what the job cost, if it is stored. */
  readonly costRecord: string | undefined;
}

/** Finds the contents. Throws a Failure if the job is not over, or if Batchdrop still cleans up after it. */
export async function contentsOf(connection: Connection, job: Job): Promise<JobContents> {
  refuseUnfinished(job);
  const { ledger, names, s3, removal } = connection;
  const owner = accountIn(names);
  const { jobId, request } = job;
  const requests = { s3, bucket: request.bucket, owner, prefix: request.key };
  const same = await versionsOfSameBytes(connection, requests, job);
  const ids = [jobId, ...same.copies];
  const parts = await allWithPast({ ledger }, await ledger.partsOf(jobId));
  const places = foldersOf(connection, job).map((prefix) => ({
    s3,
    bucket: names.resultsBucket,
    owner,
    prefix,
  }));
  const results: FoundObjects[] = [];
  const uploads: JobContents['uploads'][number][] = [];
  for (const place of places) {
    results.push({ place, versions: await everyVersion(place) });
    uploads.push({ place, open: await openUploads(place) });
  }
  const counts = await Promise.all(ids.map((id) => removal.count(id)));
  return {
    job,
    requests: { place: requests, versions: same.versions },
    copies: same.copies,
    others: same.others,
    results,
    uploads,
    items: counts.reduce((sum, count) => sum + count, 0),
    batchIds: parts.flatMap(({ earlierBatchIds, secondBatchIds, batch }) => [
      ...earlierBatchIds,
      ...secondBatchIds,
      ...(batch ? [batch.batchId] : []),
    ]),
    files: parts.flatMap(everyFileOf),
    costRecord: await costRecordOf(connection, job),
  };
}

function refuseUnfinished(job: Job): void {
  const id = shortId(job.jobId);
  if (!isOver(job))
    throw new Failure(
      `Job ${job.jobId} is ${job.status}, and only an ended job can be purged. Nothing was deleted. To end it: batchdrop cancel ${id}, and batchdrop wait ${id}`,
    );
  if (!job.cleanedUp)
    throw new Failure(
      `Batchdrop still cleans up after job ${job.jobId}, usually for half an hour after its end, and would write again. Nothing was deleted. Repeat the command then.`,
    );
}

/** Returns the folders of the job in the results bucket. Each ends with the whole job id and a slash. */
function foldersOf({ names: { resultsPrefix = '' } }: Connection, job: Job): string[] {
  const [file] = resultFileKeys(job, resultsPrefix);
  const folder = file === undefined ? [] : [file.key.slice(0, -file.name.length)];
  return [...folder, `${resultsPrefix}${internalFolder(job.jobId)}`];
}

/** Joined jobs name the job that they joined; other uploads of the same bytes are known by their ETag. */
async function versionsOfSameBytes({ ledger }: Connection, place: ObjectPlace, { jobId, request }: Job) {
  const versions: ObjectVersion[] = [];
  const copies: string[] = [];
  const others: string[] = [];
  for (const version of await versionsOf(place, request.key)) {
    if (version.isMarker) continue;
    const id = jobIdOf({ bucket: request.bucket, key: version.key, versionId: version.versionId });
    const known = id === jobId ? undefined : await ledger.readJob(id);
    const isSame = version.etag === request.etag && version.bytes === request.size;
    const isCopy =
      known?.status === 'joined' ? known.joinedJobId === jobId : isSame && known?.status === 'rejected';
    if (id === jobId || isCopy || (isSame && known === undefined)) versions.push(version);
    if (known !== undefined && isCopy) copies.push(id);
    if (known !== undefined && isSame && !isCopy) others.push(id);
  }
  return { versions, copies, others };
}

async function costRecordOf({ s3, names }: Connection, job: Job): Promise<string | undefined> {
  const key = costKey(job, names.resultsPrefix);
  try {
    await s3.send(
      new HeadObjectCommand({
        Bucket: names.resultsBucket,
        Key: key,
        ExpectedBucketOwner: accountIn(names),
      }),
    );
    return key;
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}
