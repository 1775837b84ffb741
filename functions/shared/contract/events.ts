import type { JobStatus, ReportedBatchStatus } from './batch-status.ts';
import type { CancelRequest } from './cancel-request.ts';

/** `source` of every event. */
export const EVENT_SOURCE = 'batchdrop';

/** `detail-type` of the kinds of event. */
export const DETAIL_TYPE = {
  batchStatusChange: 'OpenAI Batch Status Change',
  jobStatusChange: 'OpenAI Batch Job Status Change',
  cancelOutcome: 'OpenAI Batch Cancel Outcome',
  jobStalled: 'OpenAI Batch Job Stalled',
} as const;

/** Version of the detail. It stays the same if a new version of Batchdrop only adds fields. */
export const EVENT_VERSION = 1;

/** Long lists in an event are cut to this many entries, with a count of all. */
export const LISTED_AT_MOST = 20;

/** The head of every event. */
export interface EventMetadata {
  /** The same at each repetition of an event: ignore an id that you have processed. */
  readonly id: string;
  /** `EVENT_VERSION` */
  readonly version: number;
  /** Rises by one with each status change of the batch or job; ignore an event whose sequence you have passed. */
  readonly sequence: number;
  /** ISO 8601: when the change was observed. */
  readonly occurredAt: string;
  /** Which Batchdrop of the account and region: the name of its stack and its path in it, as in `Batchdrop.instance`. */
  readonly instance: string;
}

/** The head of a status change. */
export interface JobEventMetadata extends EventMetadata {
  readonly jobId: string;
}

/** The head of a cancel outcome. */
export interface CancelEventMetadata extends EventMetadata {
  /** Absent if the cancel request names no known batch, job, or file. */
  readonly jobId?: string;
}

/** The version of the object that is the request file. */
export interface RequestFileRef {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
}

/** The request file, with what S3 says of its content. */
export interface RequestFileFacts extends RequestFileRef {
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
}

/** Tokens as the API reports them; summed over batches in a job's events. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}

/** `request_counts` of a batch as the API reports them. While the batch runs, and after it expired, they may not add up. */
export interface RequestCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
}

/** Rows by outcome, counted from the stored results: `total` is the sum of the others. */
export interface RowCounts {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly expired: number;
  readonly cancelled: number;
  readonly missing: number;
}

/** One error of a batch as the API reports it. */
export interface BatchError {
  readonly code: string | null;
  readonly message: string | null;
  readonly param: string | null;
  readonly line: number | null;
}

/** The first 20 errors of a batch, and how many there are in all. */
export interface BatchErrorExcerpt {
  readonly count: number;
  readonly first: BatchError[];
}

/** The reason for the end of a batch or job: a stable code and a sentence. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/**
 * What a file, or a part of it, waits for. Nothing is lost and no try is used up, however long it takes.
 * - `token_limit`: the API said that too many tokens or requests are enqueued
 * - `enqueued_tokens`, `open_batches`: there is no capacity within a limit that was set, or that the API has named
 * - `account`: the account cannot pay, or may not use the service
 * - `storage`: the account's file storage is full
 * - `not_visible`: the API does not find a file that was just uploaded
 * - `unreachable`: the API, or a service of AWS, cannot be reached or refuses the call
 * - `results`: the API does not yet show all results of an ended batch
 */
export type WaitingFor =
  | 'token_limit'
  | 'enqueued_tokens'
  | 'open_batches'
  | 'account'
  | 'storage'
  | 'not_visible'
  | 'unreachable'
  | 'results';

/** What the part of a failed batch waits for before it is tried again. */
export interface BatchWaiting {
  readonly for: WaitingFor;
  /**
   * Position, from 1, among the waiting parts of the same model at that time, oldest job first; with `shares`, among those of
   * the same share and priority; null if it was not known.
   */
  readonly position: number | null;
  /** ISO 8601: the part is tried again as soon as there is capacity, and at this time at the latest, once it is the first. */
  readonly until: string;
}

/** What every status change of a batch carries. */
export interface BatchStatusChangeData {
  readonly batchId: string;
  readonly status: ReportedBatchStatus;
  /** Null for the first status of the batch. */
  readonly previousStatus: ReportedBatchStatus | null;
  readonly requestFile: RequestFileRef;
  /** Which part of the request file this batch runs, from 1 to `plannedParts`. */
  readonly partNumber: number;
  readonly plannedParts: number;
  /** From 1. Rises each time Batchdrop sends the part, or the rows that are left of it, again. */
  readonly attempt: number;
  readonly endpoint: string;
  readonly model: string;
  /** Rows sent as this batch: in a later attempt, only the rows that run again. */
  readonly sentRows: number;
  readonly requestCounts: RequestCounts | null;
  readonly usage: TokenUsage | null;
  readonly inputFileId: string;
  readonly outputFileId: string | null;
  readonly errorFileId: string | null;
  /** ISO 8601, by the API's clock. */
  readonly createdAt: string;
  /** ISO 8601, by the API's clock. */
  readonly expiresAt: string | null;
  /** ISO 8601, by the API's clock. */
  readonly endedAt: string | null;
  /** From the request file's `x-amz-meta-batch-*`. */
  readonly metadata: Record<string, string>;
  /** Only with status `failed`. */
  readonly errors?: BatchErrorExcerpt;
  /** Only with status `failed`: Batchdrop tries the part again, without any action of yours. */
  readonly willRetry?: boolean;
  /** Only with `willRetry`, while the part has to wait. */
  readonly waiting?: BatchWaiting;
}

/** `detail` of an `OpenAI Batch Status Change`. */
export interface BatchStatusChange {
  readonly metadata: JobEventMetadata;
  readonly data: BatchStatusChangeData;
}

/** What every status change of a job carries. */
export interface JobStatusChangeBase {
  /** Null for the first status of the job. */
  readonly previousStatus: JobStatus | null;
  readonly requestFile: RequestFileFacts;
  /** From the request file's `x-amz-meta-batch-*`. */
  readonly metadata: Record<string, string>;
}

/** What the parts of an accepted job wait for. */
export interface JobWaiting {
  readonly for: WaitingFor;
}

/** The file was read and checked; nothing has been sent yet. */
export interface JobAccepted extends JobStatusChangeBase {
  readonly status: 'accepted';
  readonly plannedRows: number;
  /** The number of batches, unless rows run again. */
  readonly plannedParts: number;
  /** Its batches have to wait: for capacity, or because nothing can be sent at present. */
  readonly waiting?: JobWaiting;
}

/** The first batch of the job exists. */
export interface JobSubmitted extends JobStatusChangeBase {
  readonly status: 'submitted';
  readonly plannedRows: number;
  readonly plannedParts: number;
}

/** One finding in a request file. `line` counts from 1 and is null for what concerns the file as a whole. */
export interface Finding {
  readonly line: number | null;
  readonly code: string;
  readonly message: string;
}

/** The first 20 findings, and how many there are in all. */
export interface FindingExcerpt {
  readonly count: number;
  readonly first: Finding[];
}

/** Where the report on a rejected file is, with up to 1,000 findings. */
export interface ReportRef {
  readonly bucket: string;
  readonly key: string;
}

/** The file was rejected; nothing was sent. */
export interface JobRejected extends JobStatusChangeBase {
  readonly status: 'rejected';
  readonly findings: FindingExcerpt;
  readonly report: ReportRef;
}

/** The job named here has the same bytes. It is open, or ended less than 24 hours ago. */
export interface JobJoined extends JobStatusChangeBase {
  readonly status: 'joined';
  readonly joinedJobId: string;
  /** How many rows of that job did not succeed. Absent while it runs, and when every row succeeded. */
  readonly unsuccessfulRows?: number;
  /** With `unsuccessfulRows`: why these rows did not succeed, and what you can do. */
  readonly message?: string;
}

/** A batch of a job, and how it ended. */
export interface EndedBatch {
  readonly batchId: string;
  readonly status: ReportedBatchStatus;
}

/** The first 20 batches of a job, and how many there are in all. */
export interface BatchExcerpt {
  readonly count: number;
  readonly first: EndedBatch[];
}

/** Where the results of a job are: a bucket, and keys in it. */
export interface ResultsRef {
  readonly bucket: string;
  readonly output: string;
  readonly errors: string;
  readonly summary: string;
}

/** The job is over and its results are readable. `completed` does not mean that every row succeeded: read `rows`. */
export interface JobEnded extends JobStatusChangeBase {
  readonly status: 'completed' | 'failed' | 'expired' | 'cancelled';
  readonly rows: RowCounts;
  readonly usage: TokenUsage | null;
  readonly batches: BatchExcerpt;
  /** Absent when the job ended before its file was planned. */
  readonly results?: ResultsRef;
  /**
   * With `failed` and `cancelled`; with `completed` if no row succeeded: the code and message of the commonest error, and
   * how many rows ended with it.
   */
  readonly reason?: Reason;
}

/** A union by `status`. */
export type JobStatusChangeData = JobAccepted | JobRejected | JobJoined | JobSubmitted | JobEnded;

/** `detail` of an `OpenAI Batch Job Status Change`. */
export interface JobStatusChange {
  readonly metadata: JobEventMetadata;
  readonly data: JobStatusChangeData;
}

/**
 * The outcome of a cancel request.
 * - `requested`: the cancel is recorded; later status changes show its effect
 * - `too_late`: the batch or job had ended before
 * - `unknown`: there is no such batch or job
 * - `remembered`: there is no such file yet; if it was uploaded before the message was sent, it is cancelled when its event
 *   arrives
 */
export type CancelOutcomeKind = 'requested' | 'too_late' | 'unknown' | 'remembered';

/** The outcome of one cancel request. */
export interface CancelOutcomeData {
  /** As it was sent. */
  readonly request: CancelRequest;
  readonly outcome: CancelOutcomeKind;
  /** The status of the batch or job when Batchdrop read the request; null if there is no such batch or job. */
  readonly status: string | null;
  readonly message: string;
  /** The request file of the job that the request names; absent if there is no such job. */
  readonly requestFile?: RequestFileRef;
}

/** `detail` of an `OpenAI Batch Cancel Outcome`. */
export interface CancelOutcome {
  readonly metadata: CancelEventMetadata;
  readonly data: CancelOutcomeData;
}

/**
 * Why a part of a job waits for a person: two of its creates have no known outcome (`create_uncertain`), or the API has lost
 * its uploaded file several times (`upload_lost`). A later version may have other causes.
 */
export type StallCause = 'create_uncertain' | 'upload_lost' | (string & {});

/** A part of a job that waits until a person releases or cancels it. */
export interface JobStalledData {
  readonly cause: StallCause;
  readonly message: string;
  readonly requestFile: RequestFileRef;
  /** Which part of the request file waits, from 1 to `plannedParts`. */
  readonly partNumber: number;
  readonly plannedParts: number;
  /** How many creates of the part have no known outcome. */
  readonly unresolvedCreates: number;
  /** From the request file's `x-amz-meta-batch-*`. */
  readonly metadata: Record<string, string>;
}

/** `detail` of an `OpenAI Batch Job Stalled`. */
export interface JobStalled {
  readonly metadata: JobEventMetadata;
  readonly data: JobStalledData;
}

/** What EventBridge puts around the detail of every event. */
export interface EventEnvelope {
  /** Version of the envelope: `0`. The version of the detail is `detail.metadata.version`. */
  readonly version: string;
  /** Assigned by EventBridge. It differs if an event is repeated: use `detail.metadata.id` instead. */
  readonly id: string;
  /** Always `EVENT_SOURCE`. */
  readonly source: 'batchdrop';
  readonly account: string;
  /** ISO 8601, to the second: `detail.metadata.occurredAt`. */
  readonly time: string;
  readonly region: string;
  /** ARNs of the S3 objects that the event names, the request file first. */
  readonly resources: string[];
}

/** A batch has changed its status, as a target of a rule gets it. */
export interface BatchStatusChangeEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Status Change';
  readonly detail: BatchStatusChange;
}

/** A job has changed its status, as a target of a rule gets it. */
export interface JobStatusChangeEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Job Status Change';
  readonly detail: JobStatusChange;
}

/** A cancel request was read, as a target of a rule gets it. */
export interface CancelOutcomeEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Cancel Outcome';
  readonly detail: CancelOutcome;
}

/** A part of a job waits for a person, as a target of a rule gets it. */
export interface JobStalledEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Job Stalled';
  readonly detail: JobStalled;
}

/** Any event of Batchdrop as a target of a rule gets it, a Lambda function for instance: a union by `detail-type`. */
export type BatchdropEvent =
  | BatchStatusChangeEvent
  | JobStatusChangeEvent
  | CancelOutcomeEvent
  | JobStalledEvent;

/** Cuts a list to its first 20 entries and says how many there are. */
export function excerptOf<T>(list: readonly T[], count: number = list.length): { count: number; first: T[] } {
  return { count, first: list.slice(0, LISTED_AT_MOST) };
}
