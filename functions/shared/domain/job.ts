import type { JobStatus } from '../contract/batch-status.ts';
import type { Finding, Reason, RowCounts, TokenUsage, WaitingFor } from '../contract/events.ts';

/** A time-limited claim. `until` in milliseconds: the holder does nothing irrevocable past it. */
export interface Lease {
  holder: string;
  until: number;
}

/** The request file as the storage reported it; a version never changes. */
export interface RequestFile {
  bucket: string;
  key: string;
  versionId: string;
  size: number;
  etag: string;
  /** Milliseconds; S3 keeps whole seconds. */
  lastModified: number;
  /** Orders the versions of one key; compare right-padded. Absent when the storage gave none. */
  sequencer?: string;
  /** Of the batch: the pairs of `x-amz-meta-batch-*` without the prefix. */
  metadata: Record<string, string>;
  /** Of Batchdrop: the pairs of `x-amz-meta-batchdrop-*` without the prefix, as they were given. */
  instructions: Record<string, string>;
}

/** The committed plan: parts of any other planId are ignored. */
export interface Plan {
  planId: string;
  parts: number;
  rows: number;
  /** Pairs of endpoint and model. */
  groups: number;
}

/** A scan of the request file that was begun: what it writes lies in the results bucket under its planId. */
export interface Scan {
  planId: string;
  /** So many times all that it knew was saved. */
  checkpoints: number;
  /** Invocations that took it, or one before it, up: more than one may be writing. */
  turns: number;
}

/** How far the results have been put together; lets a time-out resume. */
export interface Assembly {
  uploadId: string;
  /** ETags of the upload's parts so far, in order. */
  etags: string[];
}

/** One version of one request file. `received` is the status before the first event. */
export interface Job {
  kind: 'job';
  jobId: string;
  /** Rises with every write: the compare-and-set. */
  version: number;
  request: RequestFile;
  status: JobStatus | 'received';
  previousStatus: 'accepted' | 'submitted' | null;
  /** `rev` counts status changes; a new one is applied only when `publishedRev` has caught up. */
  rev: number;
  publishedRev: number;
  createdAt: number;
  changedAt: number;
  tries: number;
  backoffUntil?: number;
  /** A message for the next step is under way, or the parts were just looked at. */
  dispatchedUntil?: number;
  lease?: Lease;
  scan?: Scan;
  plan?: Plan;
  /** What its parts waited for from the beginning. */
  waiting?: { for: WaitingFor };
  /** Every part of the plan has been made due. */
  partsDispatched?: true;
  /** Number of the last part that was not delivered when all were looked at. */
  openPart?: number;
  findings?: { count: number; first: Finding[] };
  joinedJobId?: string;
  /** The newest job of the same key when this one came. */
  previousJobId?: string;
  cancelRequestedAt?: number;
  reason?: Reason;
  rows?: RowCounts;
  usage?: TokenUsage;
  batches?: { count: number; first: { batchId: string; status: string }[] };
  assembly?: { output?: Assembly; errors?: Assembly; anomalies?: Assembly };
  /** Pieces were gone, and parts delivered again: some of that may come late. */
  redelivered?: true;
  /** Files at the API and pieces in the results bucket were removed; what is written late is removed then. */
  secondCleanUpAt?: number;
  /** Nothing is left to be removed. */
  cleanedUp?: true;
  /** Milliseconds; absent when nothing is left to do. */
  dueAt?: number;
  /** Milliseconds; the item may be removed after it. */
  expiresAt: number;
}

/** Statuses in which nothing more becomes of a job's rows. */
const OVER: ReadonlySet<string> = new Set<JobStatus>([
  'rejected',
  'joined',
  'completed',
  'failed',
  'expired',
  'cancelled',
]);

/** True once a job has its last status. */
export function isOver({ status }: { status: string }): boolean {
  return OVER.has(status);
}

/** The job with its next status, of which the event is yet to be published. */
export function inStatus(job: Job, status: JobStatus, now: number): Job {
  const previousStatus = job.status === 'accepted' || job.status === 'submitted' ? job.status : null;
  return { ...job, status, previousStatus, rev: job.rev + 1, changedAt: now };
}
