import type { JobStatus } from '../contract/batch-status.ts';
import type {
  Finding,
  JobCost,
  JobEstimate,
  Reason,
  RowCounts,
  TokenUsage,
  WaitingFor,
} from '../contract/events.ts';
import { isJobId } from './job-id.ts';
import type { Lease } from './lease.ts';
import type { PartIn } from './part.ts';
import type { FlatProgress, FlatResults } from './results/flat-results.ts';
import type { ContentFacts } from './same-bytes.ts';
import { KEEP_MS } from './timing.ts';
import type { MetObstacle } from './waiting/obstacle.ts';

/** The request file as S3 reported it. An object version never changes. */
export interface RequestFile extends ContentFacts {
  bucket: string;
  key: string;
  versionId: string;
  /** Milliseconds; S3 keeps whole seconds. */
  lastModified: number;
  /** Orders the versions of one key: compare after padding on the right. Absent if the event had none. */
  sequencer?: string;
  /** Metadata for the batches: the pairs of `x-amz-meta-batch-*` without the prefix. */
  metadata: Record<string, string>;
  /** Instructions to Batchdrop: the pairs of `x-amz-meta-batchdrop-*` without the prefix, as the user gave them. */
  instructions: Record<string, string>;
}

/** The committed plan. Parts with another `planId` are ignored. */
export interface Plan {
  planId: string;
  parts: number;
  rows: number;
  /** Pairs of endpoint and model. */
  groups: number;
  /** Absent before 0.2. */
  estimate?: JobEstimate;
}

/** A scan of the request file that has begun. It writes to the results bucket, under its `planId`. */
export interface Scan {
  planId: string;
  /** How often its state has been saved. */
  checkpoints: number;
  /** How many invocations have worked on it. An earlier one may still be writing. */
  invocations: number;
}

/** How much of a result file is assembled. After a time-out, the assembly resumes from here. */
export interface Assembly {
  uploadId: string;
  /** ETags of the parts uploaded so far, in order. */
  etags: string[];
}

/** The result files that are being assembled. */
export interface Assemblies {
  output?: Assembly;
  errors?: Assembly;
  anomalies?: Assembly;
  csv?: Assembly;
}

/** The rows of an ended job that did not succeed, and how many of them the API itself refused. */
export interface UnsuccessfulRows {
  rows: number;
  refused: number;
}

/** One status change of a job. `at` in milliseconds. */
export interface StatusChange {
  status: JobStatus;
  at: number;
}

/** Why nothing is sent for a job before it is approved. */
export interface Hold {
  reason: Reason;
  /** Milliseconds: a job that is not approved by then is cancelled. */
  until: number;
}

/** The newest cancel request for the job, and its outcome. `at`: when it was sent, in milliseconds. */
export interface LastCancel {
  at: number;
  outcome: 'requested' | 'too_late';
  message: string;
}

/** The fields of a job in any status. */
interface JobRecord {
  kind: 'job';
  jobId: string;
  /** Increases with every write. The compare-and-set checks it. */
  version: number;
  request: RequestFile;
  previousStatus: 'unapproved' | 'accepted' | 'submitted' | null;
  /** `rev` counts status changes. The next one is applied only when `publishedRev` equals `rev`. */
  rev: number;
  publishedRev: number;
  createdAt: number;
  changedAt: number;
  /** Each status change, oldest first; at most `MAX_HISTORY`. */
  history: StatusChange[];
  lastCancel?: LastCancel;
  /** Counted failures of the current step. */
  tries: number;
  /** No step is tried before this time: a backoff. */
  backoffUntil?: number;
  /** What the current step waits for. The next success removes it. */
  obstacle?: MetObstacle;
  /** POLL waits until this time, because a message for the next step was sent or the parts were just checked. */
  dispatchedUntil?: number;
  lease?: Lease;
  scan?: Scan;
  /** The job of the previous version of the same key. */
  previousJobId?: string;
  cancelRequestedAt?: number;
  /** When somebody first approved the job, in milliseconds, also before it was held. */
  approvedAt?: number;
  /**
   * The job that replaced this one before anything was sent: it has the same bytes and other metadata or instructions.
   */
  supersededBy?: string;
  /** When POLL must handle the job, in milliseconds. Absent when nothing remains to do. */
  dueAt?: number;
  /**
   * Milliseconds. The item may be removed after this time. Absent until the job has its last status, because what
   * belongs to an unfinished job never expires (rule 7 of "What an answer is worth", docs/architecture.md).
   */
  expiresAt?: number;
}

/** Fields that must be absent. */
type Absent<Name extends string> = { [N in Name]?: never };

type OfDispatched = 'partsDispatched' | 'openPart' | 'assembly' | 'flatProgress' | 'endingAt';
type OfPlanned = 'hold' | 'waiting' | 'onlyPart' | OfDispatched;
type OfResults = 'rows' | 'usage' | 'cost' | 'batches' | 'redelivered' | 'refusedRows' | 'flat';
type OfEnded =
  | 'reason'
  | 'joinedJobId'
  | 'unsuccessful'
  | 'findings'
  | 'secondCleanUpAt'
  | 'cleanedUp'
  | 'secondBatchSearch';

/** The file is not checked yet. A job is `received` before its first event. */
type JobReceived = { status: 'received' } & Absent<'plan' | OfPlanned | OfResults | OfEnded>;

/** The file has a committed plan, and nothing is sent before somebody approves the job. */
type JobHeld = {
  status: 'unapproved';
  plan: Plan;
  hold: Hold;
  /** As those of a planned job. */
  waiting?: { for: WaitingFor };
  onlyPart?: PartIn<'planned'>;
} & Absent<OfDispatched | OfResults | OfEnded>;

/** The file has a committed plan, and its parts run. */
type JobPlanned = {
  status: 'accepted' | 'submitted';
  plan: Plan;
  /** What its parts waited for at first. */
  waiting?: { for: WaitingFor };
  /** The only part of a plan with one part. It gets its own item when it is dispatched. */
  onlyPart?: PartIn<'planned'>;
  /** All parts of the plan have been dispatched. */
  partsDispatched?: true;
  /** The highest-numbered part that was not delivered at the last check. */
  openPart?: number;
  assembly?: Assemblies;
  /** How much of the table of the results is written. */
  flatProgress?: FlatProgress;
  /** When its result files were complete, in milliseconds. Set before the summary is written, except for a small job. */
  endingAt?: number;
  /**
   * Parts were delivered again because pieces were missing, or another invocation resumed the table. An earlier one may
   * still be writing.
   */
  redelivered?: true;
} & Absent<'hold' | Exclude<OfResults, 'redelivered'> | OfEnded>;

/** How far the clean-up of an ended job is. */
interface CleanUp {
  /** The search for second batches has ended. `incomplete`: the list was not usable for a whole day. */
  secondBatchSearch?: 'complete' | 'incomplete';
  /**
   * The first clean-up is done. The next one, at this time, deletes objects that were written late and repeats the
   * search for second batches.
   */
  secondCleanUpAt?: number;
  /** The clean-up is complete. */
  cleanedUp?: true;
}

/** The file was rejected; nothing was sent. */
type JobRejected = {
  status: 'rejected';
  findings: { count: number; first: Finding[] };
} & CleanUp &
  Absent<'plan' | OfPlanned | OfResults | 'reason' | 'joinedJobId' | 'unsuccessful'>;

/** The same bytes run or ran as another job; nothing was sent. */
type JobJoined = {
  status: 'joined';
  joinedJobId: string;
  /** How many rows of the other job did not succeed, if it had ended. */
  unsuccessful?: UnsuccessfulRows;
} & CleanUp &
  Absent<'plan' | OfPlanned | OfResults | 'reason' | 'findings'>;

/** The job ended before its file was planned, or while it was held; nothing was sent. */
type JobEndedUnsent = { status: 'failed' | 'cancelled'; reason: Reason } & CleanUp &
  Absent<'plan' | OfPlanned | OfResults | 'joinedJobId' | 'unsuccessful' | 'findings'>;

/** The job ended with stored results. */
type JobEndedWithResults = {
  status: 'completed' | 'failed' | 'expired' | 'cancelled';
  plan: Plan;
  rows: RowCounts;
  usage?: TokenUsage;
  cost: JobCost;
  batches: { count: number; first: { batchId: string; status: string }[] };
  /** How many of the failed rows the API itself refused. Another run would give the same. Absent before 0.2. */
  refusedRows?: number;
  /** The table of the results; absent if nobody asked for one. */
  flat?: FlatResults;
  /** Present with `failed` and `cancelled`, and with `completed` if no row succeeded. */
  reason?: Reason;
  redelivered?: true;
} & CleanUp &
  Absent<OfPlanned | 'joinedJobId' | 'unsuccessful' | 'findings'>;

/** One version of one request file. */
export type Job = JobRecord &
  (JobReceived | JobHeld | JobPlanned | JobRejected | JobJoined | JobEndedUnsent | JobEndedWithResults);

/** A job in one of these statuses. */
export type JobIn<Status extends Job['status']> = Extract<Job, { status: Status }>;

/** A job with its last status. */
export type EndedJob = Exclude<Job, { status: 'received' | 'unapproved' | 'accepted' | 'submitted' }>;

const LAST_STATUSES: ReadonlySet<string> = new Set<EndedJob['status']>([
  'rejected',
  'joined',
  'completed',
  'failed',
  'expired',
  'cancelled',
]);

const MAX_HISTORY = 10; // twice as many as a job can have today

/** Returns whether the job has its last status. */
export function isOver(job: Job): job is EndedJob {
  return isLastStatus(job.status);
}

/** Returns whether a job with this status keeps it for good. */
export function isLastStatus(status: string): boolean {
  return LAST_STATUSES.has(status);
}

/** Returns the job whose rows this one runs again (`RETRY_OF_INSTRUCTION`); undefined if its file names none. */
export function retriedJob({ request }: Pick<JobRecord, 'request'>): string | undefined {
  const jobId = request.instructions['retry-of'];
  return jobId !== undefined && isJobId(jobId) ? jobId : undefined;
}

/** Returns the job with the outcome of its newest cancel request; undefined if it has it. */
export function withLastCancel<J extends Job>(job: J, lastCancel: LastCancel): J | undefined {
  const { at, outcome } = job.lastCancel ?? {};
  return at === lastCancel.at && outcome === lastCancel.outcome ? undefined : { ...job, lastCancel };
}

/** Returns why a job that another one replaced is cancelled. */
export function supersededReason(supersededBy: string): Reason {
  const message = `replaced by job ${supersededBy} before anything was sent: the same bytes were uploaded again with other metadata or instructions`;
  return { code: 'superseded', message };
}

/**
 * Returns the fields that a status change sets. The event is published later. Spread them over the job without the
 * backoff of its previous status (`withoutBackoff`).
 */
export function nextStatus<Status extends JobStatus>(job: Job, status: Status, now: number) {
  const previousStatus = job.status === 'received' || isOver(job) ? null : job.status;
  const history = [...job.history, { status, at: now }].slice(-MAX_HISTORY);
  const expiry = isLastStatus(status) ? { expiresAt: now + KEEP_MS } : {};
  return { status, previousStatus, rev: job.rev + 1, changedAt: now, history, tries: 0, ...expiry };
}
