import type { Job, RequestFile } from '../shared/domain/job.ts';
import { jobIdOf } from '../shared/domain/job-id.ts';
import { jobDueAt } from '../shared/domain/next-step.ts';
import { KEEP_MS } from '../shared/domain/timing.ts';
import { withDueAt } from '../shared/lifecycle/compare-and-set.ts';
import type { Ports } from '../shared/ports/ports.ts';
import { readUserMetadata, UNVERSIONED } from '../shared/request-file/validate-object.ts';

/** An object version that has turned up in the request bucket. */
export interface Arrival {
  bucket: string;
  key: string;
  /** Absent when the bucket is not versioned. */
  versionId?: string;
  etag: string;
  sequencer?: string;
}

/**
 * Makes sure that there is a job for the object version; answers its id. The id follows from the version: a repeated
 * event finds the job there. Undefined when there is no such version. Errors: as the storage's, RetryableError.
 */
export async function registerJob(
  deps: Pick<Ports, 'ledger' | 'clock' | 'log' | 'requestFiles'>,
  arrival: Arrival,
): Promise<string | undefined> {
  const versionId = arrival.versionId ?? UNVERSIONED;
  const ref = { bucket: arrival.bucket, key: arrival.key, versionId };
  const jobId = jobIdOf(versionId === UNVERSIONED ? { ...ref, versionId: putOf(arrival) } : ref);
  if (await deps.ledger.readJob(jobId)) return jobId;
  const facts = await deps.requestFiles.head(ref);
  if (!facts) {
    deps.log.warn('arrival_without_object', { jobId });
    return undefined;
  }
  const request: RequestFile = {
    ...ref,
    size: facts.size,
    etag: facts.etag,
    lastModified: facts.lastModified,
    ...(arrival.sequencer === undefined ? {} : { sequencer: arrival.sequencer }),
    ...readUserMetadata(facts.metadata),
  };
  await deps.ledger.createJob(receivedJob(jobId, request, deps.clock.now()));
  return jobId;
}

/** Each put into an unversioned bucket is told apart, as each is rejected. */
function putOf({ sequencer, etag }: Arrival): string {
  return `${UNVERSIONED} ${sequencer ?? etag}`;
}

function receivedJob(jobId: string, request: RequestFile, now: number): Job {
  const job: Job = {
    kind: 'job',
    jobId,
    version: 1,
    request,
    status: 'received',
    previousStatus: null,
    rev: 0,
    publishedRev: 0,
    createdAt: now,
    changedAt: now,
    tries: 0,
    expiresAt: now + KEEP_MS,
  };
  return withDueAt(job, jobDueAt(job, now));
}
