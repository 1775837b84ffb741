import type { ReportedBatchStatus } from './batch-status.ts';
import type { CancelRequest } from './cancel-request.ts';

/** `source` of every event. */
export const EVENT_SOURCE = 'batchdrop';

/** `detail-type` of the three kinds of event. */
export const DETAIL_TYPE = {
  batchStatusChange: 'OpenAI Batch Status Change',
  jobStatusChange: 'OpenAI Batch Job Status Change',
  cancelOutcome: 'OpenAI Batch Cancel Outcome',
} as const;

/** Version of the envelope; it rises only with a change that is no addition. */
export const EVENT_VERSION = 1;

/** Long lists in an event are cut to this many entries, with a count of all. */
export const LISTED_AT_MOST = 20;

/** The head of every event. */
export interface EventMetadata {
  /** The same at each repetition of an event: drop what you have seen. */
  id: string;
  version: typeof EVENT_VERSION;
  /** Rises by one with each status change of the batch or job; drop what is not above the last you saw. */
  sequence: number;
  /** ISO 8601: when the change was observed. */
  occurredAt: string;
  /** Absent only in the outcome of a cancel request that names nothing known. */
  jobId?: string;
}

/** The version of the object that is the request file. */
export interface RequestFileRef {
  bucket: string;
  key: string;
  versionId: string;
}

/** The first 20 of a list, and how many there are in all. */
export interface Excerpt<T> {
  count: number;
  first: T[];
}

/** Tokens as the API reports them; summed over batches in a job's events. */
export interface TokenUsage {
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  totalTokens: number;
}

/** Requests of one batch as the API counts them; they need not add up while it runs, or after it expired. */
export interface RequestCounts {
  total: number;
  completed: number;
  failed: number;
}

/** Rows of a job by outcome, counted from the stored results: `total` is the sum of the others. */
export interface RowCounts {
  total: number;
  succeeded: number;
  failed: number;
  expired: number;
  cancelled: number;
  missing: number;
}

/** One error of a batch as the API reports it. */
export interface BatchError {
  code: string | null;
  message: string | null;
  param: string | null;
  line: number | null;
}

/** Why something ended as it did: a stable code and a sentence. */
export interface Reason {
  code: string;
  message: string;
}

/**
 * What there is no room for yet: the API said that too many tokens are enqueued; or so it would by the estimate, or too
 * many batches are open, by the limits that were set.
 */
export type WaitingFor = 'token_limit' | 'enqueued_tokens' | 'open_batches';

/** What every status change of a batch carries. */
export interface BatchStatusChangeData {
  batchId: string;
  status: ReportedBatchStatus;
  previousStatus: ReportedBatchStatus | null;
  request: RequestFileRef;
  /** Number of the part of the request file that this batch runs, from 1, and how many there are. */
  part: number;
  parts: number;
  attempt: number;
  endpoint: string;
  model: string;
  rows: number;
  counts: RequestCounts | null;
  usage: TokenUsage | null;
  inputFileId: string;
  outputFileId: string | null;
  errorFileId: string | null;
  /** ISO 8601, by the API's clock. */
  createdAt: string;
  expiresAt: string | null;
  endedAt: string | null;
  /** From the request file's `x-amz-meta-batch-*`. */
  metadata: Record<string, string>;
  /** Only with status `failed`. */
  errors?: Excerpt<BatchError>;
  /** Only with status `failed`: the part will be tried again by itself. */
  willRetry?: boolean;
  /**
   * Only with `willRetry`: `position` from 1 among the parts of its model that wait, oldest job first, as it was then, null
   * where that was not known; tried again as soon as there may be room, and at `until` (ISO 8601) in any case, once it
   * is the first.
   */
  waiting?: { for: WaitingFor; position: number | null; until: string };
}

/** detail-type `OpenAI Batch Status Change` */
export interface BatchStatusChange {
  metadata: EventMetadata & { jobId: string };
  data: BatchStatusChangeData;
}

/** What every status change of a job carries. */
interface JobStatusChangeBase {
  previousStatus: 'accepted' | 'submitted' | null;
  request: RequestFileRef & { size: number; etag: string };
  metadata: Record<string, string>;
}

/** The file was read and checked; nothing has been sent yet. */
export interface JobAccepted extends JobStatusChangeBase {
  status: 'accepted';
  rows: number;
  parts: number;
  /** Limits are set, so its batches are created one after the other as there is room, oldest job first. */
  waiting?: { for: WaitingFor };
}

/** The first batch of the job exists. */
export interface JobSubmitted extends JobStatusChangeBase {
  status: 'submitted';
  rows: number;
  parts: number;
}

/** One finding in a request file. `line` counts from 1 and is null for what concerns the file as a whole. */
export interface Finding {
  line: number | null;
  code: string;
  message: string;
}

/** The file was refused; nothing was sent. */
export interface JobRejected extends JobStatusChangeBase {
  status: 'rejected';
  findings: Excerpt<Finding>;
  report: { bucket: string; key: string };
}

/** The same bytes are under way or were done less than 24 hours ago, as the job named here. */
export interface JobJoined extends JobStatusChangeBase {
  status: 'joined';
  joinedJobId: string;
}

/** The job is over and its results are readable. `completed` does not mean that every row succeeded: read `rows`. */
export interface JobEnded extends JobStatusChangeBase {
  status: 'completed' | 'failed' | 'expired' | 'cancelled';
  rows: RowCounts;
  usage: TokenUsage | null;
  batches: Excerpt<{ batchId: string; status: ReportedBatchStatus }>;
  /** Absent when the job ended before its file was planned. */
  results?: { bucket: string; output: string; errors: string; summary: string };
  /** With `failed` and `cancelled`. */
  reason?: Reason;
}

/** detail-type `OpenAI Batch Job Status Change` */
export interface JobStatusChange {
  metadata: EventMetadata & { jobId: string };
  data: JobAccepted | JobRejected | JobJoined | JobSubmitted | JobEnded;
}

/**
 * What became of a cancel request: `requested` it is recorded and under way, the end shows as a status change;
 * `too_late` it had ended; `unknown` names nothing known; `remembered` there is no such file yet, one that was put
 * before the message was sent is cancelled when it turns up.
 */
export type CancelOutcomeKind = 'requested' | 'too_late' | 'unknown' | 'remembered';

/** detail-type `OpenAI Batch Cancel Outcome` */
export interface CancelOutcome {
  metadata: EventMetadata;
  data: {
    request: CancelRequest;
    outcome: CancelOutcomeKind;
    /** The status known when the request was read; null if it names nothing known. */
    status: string | null;
    message: string;
  };
}

/** Any event of Batchdrop, ready for `PutEvents`. */
export type BatchdropEvent =
  | { detailType: typeof DETAIL_TYPE.batchStatusChange; detail: BatchStatusChange }
  | { detailType: typeof DETAIL_TYPE.jobStatusChange; detail: JobStatusChange }
  | { detailType: typeof DETAIL_TYPE.cancelOutcome; detail: CancelOutcome };

/** Cuts a list to its first 20 entries and says how many there are. */
export function excerptOf<T>(list: readonly T[], count: number = list.length): Excerpt<T> {
  return { count, first: list.slice(0, LISTED_AT_MOST) };
}
