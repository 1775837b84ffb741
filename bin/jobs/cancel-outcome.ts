/** What a cancel would meet, and what became of it: `batchdrop cancel` looks before it sends, and then reports the outcome. */
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import type { CancelRequest } from '../../functions/shared/contract/messages/cancel-request.ts';
import { isOver, type Job, type LastCancel } from '../../functions/shared/domain/job.ts';
import { isJobId } from '../../functions/shared/domain/job-id.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';
import { findJob } from './find-job.ts';

/** A cancel request, and the job that it means. */
export interface CancelPlan {
  readonly request: CancelRequest;
  /** Undefined if there is none yet, or if the ledger may not be read. */
  readonly job?: Job;
  /** The caller has no right to read the ledger: nothing was looked at, and no outcome can be reported. */
  readonly isBlind?: true;
}

const OUTCOME_MS = 30_000; // real time: CANCEL runs within seconds

/** Returns what to send. Throws a Failure if there is no such job, or if it has ended. */
export async function planCancel(
  connection: Connection,
  { id, key }: { id: string | undefined; key: string | undefined },
): Promise<CancelPlan> {
  if ((id === undefined) === (key === undefined)) throw new Failure('Give either an id or --key KEY.');
  try {
    return key === undefined ? await planById(connection, id ?? '') : await planByKey(connection, key);
  } catch (error) {
    if (!mayNotRead(error)) throw error;
    return { request: blindRequest(connection, id, key), isBlind: true };
  }
}

/**
 * Waits until the cancel is recorded, and returns its outcome; undefined if it is not recorded within half a minute. `before`: the
 * job before the cancel was sent.
 */
export async function cancelOutcome(connection: Connection, before: Job): Promise<LastCancel | undefined> {
  const { ledger, pollIntervalMs } = connection;
  const jobId = before.status === 'joined' ? before.joinedJobId : before.jobId;
  for (let waited = 0; waited <= OUTCOME_MS; waited += pollIntervalMs) {
    const lastCancel = (await ledger.readJob(jobId))?.lastCancel;
    if (lastCancel && lastCancel.at !== before.lastCancel?.at) return lastCancel;
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
  return undefined;
}

async function planById(connection: Connection, id: string): Promise<CancelPlan> {
  const named = await findJob(connection, id);
  const { ledger } = connection;
  const job = named.status === 'joined' ? ((await ledger.readJob(named.joinedJobId)) ?? named) : named;
  if (isOver(job)) throw new Failure(endedSentence(job));
  return { request: id.startsWith('batch_') ? { batchId: id } : { jobId: job.jobId }, job };
}

/** A key without a job may be that of a file whose event arrives later. CANCEL remembers such a request. */
async function planByKey(connection: Connection, key: string): Promise<CancelPlan> {
  const { ledger, names } = connection;
  const request = { bucket: names.requestBucket, key };
  const newest = (await ledger.readKeyPointer(request.bucket, key))?.newest;
  const job = newest && (await ledger.readJob(newest.jobId));
  if (!job || !isOver(job)) return { request, ...(job && { job }) };
  if (await isNewestVersion(connection, job)) throw new Failure(endedSentence(job));
  return { request };
}

/** Returns whether the job is that of the key's newest version in S3. A newer one may have no job yet. */
async function isNewestVersion({ s3 }: Connection, { request }: Job): Promise<boolean> {
  const { bucket: Bucket, key: Key, versionId } = request;
  const newest = await s3.send(new HeadObjectCommand({ Bucket, Key })).catch(() => undefined);
  return newest === undefined || newest.VersionId === versionId;
}

function endedSentence({ jobId, status, request }: Job): string {
  return `Job ${jobId} of ${request.key} is already ${status}. Nothing was cancelled. To see it: batchdrop show ${jobId}`;
}

function blindRequest({ names }: Connection, id = '', key?: string): CancelRequest {
  if (key !== undefined) return { bucket: names.requestBucket, key };
  if (id.startsWith('batch_')) return { batchId: id };
  if (isJobId(id)) return { jobId: id };
  throw new Failure(
    `You have no right to read the ledger, so the short id ${id} cannot be looked up. Give the whole job id.`,
  );
}

function mayNotRead(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /AccessDenied/.test(error.name) || /AccessDenied/.test(error.message) || mayNotRead(error.cause);
}
