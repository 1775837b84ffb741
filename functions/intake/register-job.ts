import type { Job, RequestFile } from '../shared/domain/job.ts';
import { jobIdOf } from '../shared/domain/job-id.ts';
import { contentFacts } from '../shared/domain/same-bytes.ts';
import { type JobInHand, jobInHand, NOT_STORED, takeJob } from '../shared/lifecycle/compare-and-set.ts';
import type { Ports } from '../shared/ports/ports.ts';
import { readUserMetadata, UNVERSIONED } from '../shared/request-file/validate-object.ts';

/** A new object version in the request bucket. */
export interface Arrival {
  bucket: string;
  key: string;
  /** Absent if the bucket is not versioned. */
  versionId?: string;
  etag: string;
  sequencer?: string;
}

/**
 * Returns the job of the object version in hand. Returns undefined if there is no such version, and for a folder
 * marker. The job id is derived from the version, so a repeated event finds the same job. A new job is created with its
 * first change, which also claims its lease. Errors: those of the storage, RetryableError.
 */
export async function registerJob(
  deps: Pick<Ports, 'ledger' | 'clock' | 'log' | 'requestFiles'>,
  arrival: Arrival,
): Promise<JobInHand | undefined> {
  const versionId = arrival.versionId ?? UNVERSIONED;
  const ref = { bucket: arrival.bucket, key: arrival.key, versionId };
  const jobId = jobIdOf(versionId === UNVERSIONED ? { ...ref, versionId: uploadOf(arrival) } : ref);
  const known = await takeJob(deps, jobId);
  if (known) return known;
  const facts = await deps.requestFiles.head(ref);
  if (!facts) {
    deps.log.warn('arrival_without_object', { jobId });
    return undefined;
  }
  if (isFolderMarker(arrival.key, facts.size)) {
    deps.log.info('folder_marker_ignored', { jobId });
    return undefined;
  }
  const request: RequestFile = {
    ...ref,
    ...contentFacts(facts),
    lastModified: facts.lastModified,
    ...(arrival.sequencer === undefined ? {} : { sequencer: arrival.sequencer }),
    ...readUserMetadata(facts.metadata),
  };
  return jobInHand(deps, receivedJob(jobId, request, deps.clock.now()));
}

/** Returns whether the object only makes a folder visible. Consoles and file systems on S3 create such objects. */
function isFolderMarker(key: string, size: number): boolean {
  return size === 0 && (key.endsWith('/') || key.endsWith('_$folder$'));
}

/**
 * Returns an id for an upload to a bucket without versioning. Each such upload then becomes a job, which is rejected.
 */
function uploadOf({ sequencer, etag }: Arrival): string {
  return `${UNVERSIONED} ${sequencer ?? etag}`;
}

function receivedJob(jobId: string, request: RequestFile, now: number): Job {
  return {
    kind: 'job',
    jobId,
    version: NOT_STORED,
    request,
    status: 'received',
    previousStatus: null,
    rev: 0,
    publishedRev: 0,
    createdAt: now,
    changedAt: now,
    history: [],
    tries: 0,
  };
}
