import type { JobStatus } from '../contract/batch-status.ts';
import type { Finding, Reason, RowCounts, TokenUsage, WaitingFor } from '../contract/events.ts';

/** A claim with an end. `until` in milliseconds: the holder does nothing irrevocable after it. */
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
  /** The user asked for a new run of bytes already run. */
  rerun: boolean;
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
  /** How often all that it knew was saved. */
  checkpoints: number;
  /** Invocations that worked on it: more than one may be writing. */
  invocations: number;
}

/** How far the results have been put together; lets a time-out resume. */
export interface Assembly {
  uploadId: string;
  /** ETags of the upload's parts so far, in order. */
  etags: string[];
}

/** One status change of a job. `at` in milliseconds. */
export interface StatusChange {
  status: JobStatus;
  at: number;
}

/** The newest cancel request that named the job, and its outcome. `at`: when it was sent, in milliseconds. */
export interface LastCancel {
  at: number;
  outcome: 'requested' | 'too_late';
  message: string;
}

/** What is kept of a job in any status. */
interface JobRecord {
  kind: 'job';
  jobId: string;
  /** Rises with every write: the compare-and-set. */
  version: number;
  request: RequestFile;
  previousStatus: 'accepted' | 'submitted' | null;
  /** `rev` counts status changes; a new one is applied only when `publishedRev` has caught up. */
  rev: number;
  publishedRev: number;
  createdAt: number;
  changedAt: number;
  /** Each status change, oldest first; at most `MAX_HISTORY`. */
  history: StatusChange[];
  lastCancel?: LastCancel;
  tries: number;
  /** No step is tried before this time. */
  backoffUntil?: number;
  /** A message for the next step was sent, or the parts were just checked: the reconciler waits until then. */
  dispatchedUntil?: number;
  lease?: Lease;
  scan?: Scan;
  /** The newest job of the same key when this one came. */
  previousJobId?: string;
  cancelRequestedAt?: number;
  /** Milliseconds; absent when nothing is left to do. */
  dueAt?: number;
  /** Milliseconds; the item may be removed after it. */
  expiresAt: number;
}

/** Fields that a job in this status does not have. */
type Absent<Name extends string> = { [N in Name]?: never };

type OfPlanned = 'waiting' | 'partsDispatched' | 'openPart' | 'assembly';
type OfResults = 'rows' | 'usage' | 'batches' | 'redelivered';
type OfEnded = 'reason' | 'joinedJobId' | 'findings' | 'secondCleanUpAt' | 'cleanedUp';

/** The file was not judged yet. `received` comes before the first event. */
type JobReceived = { status: 'received' } & Absent<'plan' | OfPlanned | OfResults | OfEnded>;

/** The file has a committed plan, whose parts run. */
type JobPlanned = {
  status: 'accepted' | 'submitted';
  plan: Plan;
  /** What its parts waited for from the beginning. */
  waiting?: { for: WaitingFor };
  /** Every part of the plan was dispatched. */
  partsDispatched?: true;
  /** Number of the last part that was not delivered when all were checked. */
  openPart?: number;
  assembly?: { output?: Assembly; errors?: Assembly; anomalies?: Assembly };
  /** Pieces were gone, and parts delivered again: some of that may come late. */
  redelivered?: true;
} & Absent<Exclude<OfResults, 'redelivered'> | OfEnded>;

/** The job ended. */
interface CleanUp {
  /** Files at the API and pieces in the results bucket were removed; what is written late is removed at this time. */
  secondCleanUpAt?: number;
  /** Nothing is left to be removed. */
  cleanedUp?: true;
}

/** Nothing was sent: the file was refused. */
type JobRejected = {
  status: 'rejected';
  findings: { count: number; first: Finding[] };
} & CleanUp &
  Absent<'plan' | OfPlanned | OfResults | 'reason' | 'joinedJobId'>;

/** Nothing was sent: the same bytes run as another job. */
type JobJoined = { status: 'joined'; joinedJobId: string } & CleanUp &
  Absent<'plan' | OfPlanned | OfResults | 'reason' | 'findings'>;

/** It ended before its file was planned: nothing was sent. */
type JobEndedUnplanned = { status: 'failed' | 'cancelled'; reason: Reason } & CleanUp &
  Absent<'plan' | OfPlanned | OfResults | 'joinedJobId' | 'findings'>;

/** Its results are stored. */
type JobEndedWithResults = {
  status: 'completed' | 'failed' | 'expired' | 'cancelled';
  plan: Plan;
  rows: RowCounts;
  usage?: TokenUsage;
  batches: { count: number; first: { batchId: string; status: string }[] };
  /** With `failed` and `cancelled`. */
  reason?: Reason;
  redelivered?: true;
} & CleanUp &
  Absent<OfPlanned | 'joinedJobId' | 'findings'>;

/** One version of one request file. */
export type Job = JobRecord &
  (JobReceived | JobPlanned | JobRejected | JobJoined | JobEndedUnplanned | JobEndedWithResults);

/** A job in one of these statuses. */
export type JobIn<Status extends Job['status']> = Extract<Job, { status: Status }>;

/** A job in which nothing more becomes of its rows. */
export type EndedJob = Exclude<Job, { status: 'received' | 'accepted' | 'submitted' }>;

const LAST_STATUSES: ReadonlySet<string> = new Set<EndedJob['status']>([
  'rejected',
  'joined',
  'completed',
  'failed',
  'expired',
  'cancelled',
]);

const MAX_HISTORY = 10; // twice as many as a job can have today

/** True once a job has its last status. */
export function isOver(job: Job): job is EndedJob {
  return isLastStatus(job.status);
}

/** True of the statuses in which nothing more becomes of a job's rows. */
export function isLastStatus(status: string): boolean {
  return LAST_STATUSES.has(status);
}

/**
 * What every status change sets; its event is yet to be published. To be spread over the job without the pauses of the status
 * before (`withoutPauses`).
 */
export function nextStatus<Status extends JobStatus>(job: Job, status: Status, now: number) {
  const previousStatus: JobRecord['previousStatus'] =
    job.status === 'accepted' || job.status === 'submitted' ? job.status : null;
  const history = [...job.history, { status, at: now }].slice(-MAX_HISTORY);
  return { status, previousStatus, rev: job.rev + 1, changedAt: now, history, tries: 0 };
}
