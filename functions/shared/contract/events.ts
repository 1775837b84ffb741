import type { JobStatus, ReportedBatchStatus } from './batch-status.ts';
import type { ApprovalRequest } from './messages/approval-request.ts';
import type { CancelRequest } from './messages/cancel-request.ts';

/** The `source` of every event. */
export const EVENT_SOURCE = 'batchdrop';

/** The `detail-type` of each kind of event. */
export const DETAIL_TYPE = {
  batchStatusChange: 'OpenAI Batch Status Change',
  jobStatusChange: 'OpenAI Batch Job Status Change',
  cancelOutcome: 'OpenAI Batch Cancel Outcome',
  approvalOutcome: 'OpenAI Batch Approval Outcome',
  jobStalled: 'OpenAI Batch Job Stalled',
} as const;

/** The version of `detail`. It stays the same if a new version of Batchdrop only adds fields. */
export const EVENT_VERSION = 1;

/** The maximum number of entries of a list in an event. Longer lists are cut, and their full count is stated. */
export const LISTED_AT_MOST = 20;

/** The metadata of every event. */
export interface EventMetadata {
  /** The same in each copy of an event: ignore an id that you have processed. */
  readonly id: string;
  /** `EVENT_VERSION` */
  readonly version: number;
  /** Rises by one with each status change of the batch or job; ignore an event whose sequence you have passed. */
  readonly sequence: number;
  /** ISO 8601: when the change was observed. */
  readonly occurredAt: string;
  /**
   * The Batchdrop that published the event: the name of its stack and its path in the stack, as in
   * `Batchdrop.instance`.
   */
  readonly instance: string;
}

/** The metadata of a status change. */
export interface JobEventMetadata extends EventMetadata {
  readonly jobId: string;
}

/** The metadata of a cancel outcome. */
export interface CancelEventMetadata extends EventMetadata {
  /** Absent if the cancel request does not name a known batch, job, or file. */
  readonly jobId?: string;
}

/** The version of the object that is the request file. */
export interface RequestFileRef {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
}

/** The request file, with what S3 reports of its content. */
export interface RequestFileFacts extends RequestFileRef {
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
}

/** Tokens as the API reports them. In the events of a job, they are summed over its batches. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}

/** What the tokens of one model cost. Money is a decimal number of the currency, such as `0.0325`, and exact. */
export interface ModelCost {
  /** As the results name it; `(other models)` for all after the twentieth. */
  readonly model: string;
  /** How many results report tokens. A row that ran in two batches has two. */
  readonly rows: number;
  /** Cached input and cache writes are included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  /** Reasoning is included. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** The list price, without the discount of a batch; null if the price is not known. */
  readonly list: string | null;
  /** The list price less the discount of a batch; null if the price is not known. */
  readonly paid: string | null;
}

/** What a job cost, from the tokens that its results report. */
export interface JobCost {
  /** ISO 4217, such as `USD`. */
  readonly currency: string;
  /** The sum of all models; null if the price of one is not known, or if rows report no tokens. */
  readonly list: string | null;
  /** As `list`, less the discount of a batch. */
  readonly paid: string | null;
  /** In alphabetical order, at most 21. */
  readonly models: ModelCost[];
  /** How many rows succeeded although their results report no tokens. */
  readonly rowsWithoutUsage: number;
}

/** How many tokens are expected. The true number lies within `low` and `high` in at least 95 of 100 cases. */
export interface EstimatedTokens {
  readonly low: number;
  readonly likely: number;
  /** Null if rows set no limit for their output, and no batch of such rows was measured yet. */
  readonly high: number | null;
}

/** What is expected to be paid, as decimal numbers: the list price less the batch discount. */
export interface EstimatedCost {
  readonly low: string;
  readonly likely: string;
  /** Null if `high` of the output tokens is. */
  readonly high: string | null;
}

/** A model of an estimate, and where its price comes from. */
export interface EstimatedModel {
  readonly model: string;
  readonly rows: number;
  /** `list`: of the table that Batchdrop comes with. `settings`: your own. `unknown`: no price is known. */
  readonly price: 'list' | 'settings' | 'unknown';
  /** Of a list price: the first day it holds, or else the day it was found, such as `2026-11-29`. Null for others. */
  readonly priceDate: string | null;
}

/** The first 5 models of an estimate, and how many there are in all: first those without a price, then those of the most rows. */
export interface EstimatedModelExcerpt {
  readonly count: number;
  readonly first: EstimatedModel[];
}

/** What a job will use and cost, before anything is sent. */
export interface JobEstimate {
  /** ISO 4217, such as `USD`. */
  readonly currency: string;
  /** Null if no price is known for one of the models. */
  readonly cost: EstimatedCost | null;
  readonly inputTokens: EstimatedTokens;
  readonly outputTokens: EstimatedTokens;
  /** Batches of such rows were measured. If false, the numbers of tokens follow from bytes and limits alone. */
  readonly measured: boolean;
  /** What a batch costs less than the list price, from 0 to 1. */
  readonly batchDiscount: number;
  readonly models: EstimatedModelExcerpt;
}

/** `request_counts` of a batch as the API reports them. While the batch runs, and after it expired, they may not add up. */
export interface RequestCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
}

/** Rows by outcome, counted in the stored results. `total` is the sum of the others. */
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

/** The reason for the end of a batch or job: a stable code, and a message. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/**
 * What a file, or a part of it, waits for. However long it takes, nothing is lost and no try is used up.
 * - `token_limit`: the API said that too many tokens or requests are enqueued
 * - `enqueued_tokens`, `open_batches`: a limit that you set, or that the API stated, leaves no capacity
 * - `budget`: what it may cost does not fit the budget now
 * - `price_unknown`: there is a budget, and no price of its model is known
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
  | 'budget'
  | 'price_unknown'
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
  /** ISO 8601. The part is tried again as soon as there is capacity, or at this time once it is first in its queue. */
  readonly until: string;
}

/** The fields of every status change of a batch. */
export interface BatchStatusChangeData {
  readonly batchId: string;
  readonly status: ReportedBatchStatus;
  /** Null for the first status of the batch. */
  readonly previousStatus: ReportedBatchStatus | null;
  readonly requestFile: RequestFileRef;
  /** Which part of the request file this batch runs, from 1 to `plannedParts`. */
  readonly partNumber: number;
  readonly plannedParts: number;
  /** From 1. Rises each time Batchdrop sends the part, or its remaining rows, again. */
  readonly attempt: number;
  readonly endpoint: string;
  readonly model: string;
  /** The rows in this batch. A later attempt sends only the rows that run again. */
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

/** The fields of every status change of a job. */
export interface JobStatusChangeBase {
  /** Null for the first status of the job. */
  readonly previousStatus: JobStatus | null;
  readonly requestFile: RequestFileFacts;
  /** From the request file's `x-amz-meta-batch-*`. */
  readonly metadata: Record<string, string>;
  /** The job whose rows this one runs again. Absent unless the request file names it (`batchdrop retry`). */
  readonly retryOf?: string;
}

/** What the parts of an accepted job wait for. */
export interface JobWaiting {
  readonly for: WaitingFor;
}

/** The file was read and checked. It is held: nothing is sent before somebody approves the job. */
export interface JobUnapproved extends JobStatusChangeBase {
  readonly status: 'unapproved';
  readonly plannedRows: number;
  /** The number of batches, unless rows run again. */
  readonly plannedParts: number;
  /** What it will use and cost. */
  readonly estimate?: JobEstimate;
  /** Why it is held. */
  readonly reason: Reason;
  /** ISO 8601: a job that is not approved by then is cancelled. */
  readonly approveBy: string;
}

/** The file was read and validated. Nothing has been sent yet. */
export interface JobAccepted extends JobStatusChangeBase {
  readonly status: 'accepted';
  readonly plannedRows: number;
  /** The number of batches, unless rows run again. */
  readonly plannedParts: number;
  /** What it will use and cost. Absent if a version before 0.2 planned it. */
  readonly estimate?: JobEstimate;
  /** Present if its batches have to wait: for capacity, or because nothing can be sent at present. */
  readonly waiting?: JobWaiting;
}

/** The first batch of the job exists. */
export interface JobSubmitted extends JobStatusChangeBase {
  readonly status: 'submitted';
  readonly plannedRows: number;
  readonly plannedParts: number;
}

/** One finding in a request file. `line` counts from 1. It is null for a finding about the whole file. */
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

/** The place of the report on a rejected file, with up to 1,000 findings. */
export interface ReportRef {
  readonly bucket: string;
  readonly key: string;
}

/** The file was rejected. Nothing was sent. */
export interface JobRejected extends JobStatusChangeBase {
  readonly status: 'rejected';
  readonly findings: FindingExcerpt;
  readonly report: ReportRef;
}

/** Another job has the same bytes. It is open, or it ended less than 24 hours ago. */
export interface JobJoined extends JobStatusChangeBase {
  readonly status: 'joined';
  readonly joinedJobId: string;
  /** How many rows of that job did not succeed. Absent while the job runs, and if every row succeeded. */
  readonly unsuccessfulRows?: number;
  /** Present with `unsuccessfulRows`: why these rows did not succeed, and what you can do. */
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

/** The place of a job's results: a bucket, and keys in it. */
export interface ResultsRef {
  readonly bucket: string;
  readonly output: string;
  readonly errors: string;
  readonly summary: string;
  /** The results as one table, `output.csv`. Absent unless the file or the prop `flatResults` asks for it. */
  readonly csv?: string;
}

/** The job has ended and you can read its results. `completed` does not mean that every row succeeded: read `rows`. */
export interface JobEnded extends JobStatusChangeBase {
  readonly status: 'completed' | 'failed' | 'expired' | 'cancelled';
  readonly rows: RowCounts;
  readonly usage: TokenUsage | null;
  /** Null if the job ended before its file was planned. */
  readonly cost: JobCost | null;
  readonly batches: BatchExcerpt;
  /** Absent if the job ended before its file was planned. */
  readonly results?: ResultsRef;
  /**
   * Present with `failed` and `cancelled`. Also present with `completed` if no row succeeded: then it has the code and
   * message of the most frequent error, and how many rows have it.
   */
  readonly reason?: Reason;
}

/** A union by `status`. */
export type JobStatusChangeData =
  | JobUnapproved
  | JobAccepted
  | JobRejected
  | JobJoined
  | JobSubmitted
  | JobEnded;

/** `detail` of an `OpenAI Batch Job Status Change`. */
export interface JobStatusChange {
  readonly metadata: JobEventMetadata;
  readonly data: JobStatusChangeData;
}

/**
 * The outcome of a cancel request.
 * - `requested`: the cancel is recorded; later status changes show its effect
 * - `too_late`: the batch or job had already ended
 * - `unknown`: there is no such batch or job
 * - `remembered`: there is no such file yet. If it was uploaded before the message was sent, it is cancelled when its
 * event arrives
 */
export type CancelOutcomeKind = 'requested' | 'too_late' | 'unknown' | 'remembered';

/** The outcome of one cancel request. */
export interface CancelOutcomeData {
  /** The request as it was sent. */
  readonly request: CancelRequest;
  readonly outcome: CancelOutcomeKind;
  /** The status of the batch or job when Batchdrop read the request; null if there is no such batch or job. */
  readonly status: string | null;
  readonly message: string;
  /** The request file of the job that the request means; absent if there is no such job. */
  readonly requestFile?: RequestFileRef;
}

/** `detail` of an `OpenAI Batch Cancel Outcome`. */
export interface CancelOutcome {
  readonly metadata: CancelEventMetadata;
  readonly data: CancelOutcomeData;
}

/**
 * The outcome of an approval.
 * - `approved`: the approval is recorded, now or before; later status changes show its effect
 * - `too_late`: the job has ended, or is being cancelled
 * - `unknown`: there is no such job
 */
export type ApprovalOutcomeKind = 'approved' | 'too_late' | 'unknown';

/** The outcome of one approval. */
export interface ApprovalOutcomeData {
  /** As it was sent. */
  readonly request: ApprovalRequest;
  readonly outcome: ApprovalOutcomeKind;
  /** The status of the job when Batchdrop read the approval; null if there is no such job. */
  readonly status: string | null;
  readonly message: string;
  /** The request file of the job; absent if there is no such job. */
  readonly requestFile?: RequestFileRef;
}

/** The head of an approval outcome. */
export interface ApprovalEventMetadata extends EventMetadata {
  /** Absent if the approval names no known job. */
  readonly jobId?: string;
}

/** `detail` of an `OpenAI Batch Approval Outcome`. */
export interface ApprovalOutcome {
  readonly metadata: ApprovalEventMetadata;
  readonly data: ApprovalOutcomeData;
}

/**
 * Why a part of a job waits for a person: two of its creates have no known outcome (`create_uncertain`), or the API has
 * lost its uploaded file several times (`upload_lost`). A later version may add causes.
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

/** The fields that EventBridge adds to the detail of every event. */
export interface EventEnvelope {
  /** Version of the envelope: `0`. The version of the detail is `detail.metadata.version`. */
  readonly version: string;
  /** Assigned by EventBridge. Copies of one event have different ids: use `detail.metadata.id` instead. */
  readonly id: string;
  /** Always `EVENT_SOURCE`. */
  readonly source: 'batchdrop';
  readonly account: string;
  /** ISO 8601, `detail.metadata.occurredAt` without the fraction of a second. */
  readonly time: string;
  readonly region: string;
  /** ARNs of the S3 objects that the event names, the request file first. */
  readonly resources: string[];
}

/** A status change of a batch, as the target of a rule receives it. */
export interface BatchStatusChangeEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Status Change';
  readonly detail: BatchStatusChange;
}

/** A status change of a job, as the target of a rule receives it. */
export interface JobStatusChangeEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Job Status Change';
  readonly detail: JobStatusChange;
}

/** The outcome of a cancel request, as the target of a rule receives it. */
export interface CancelOutcomeEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Cancel Outcome';
  readonly detail: CancelOutcome;
}

/** An approval was read, as a target of a rule gets it. */
export interface ApprovalOutcomeEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Approval Outcome';
  readonly detail: ApprovalOutcome;
}

/** A job with a part that waits for a person, as the target of a rule receives it. */
export interface JobStalledEvent extends EventEnvelope {
  readonly 'detail-type': 'OpenAI Batch Job Stalled';
  readonly detail: JobStalled;
}

/** Any event of Batchdrop as the target of a rule, such as a Lambda function, receives it: a union by `detail-type`. */
export type BatchdropEvent =
  | BatchStatusChangeEvent
  | JobStatusChangeEvent
  | CancelOutcomeEvent
  | ApprovalOutcomeEvent
  | JobStalledEvent;

/** Cuts a list to its first 20 entries, and states how many there are. */
export function excerptOf<T>(list: readonly T[], count: number = list.length): { count: number; first: T[] } {
  return { count, first: list.slice(0, LISTED_AT_MOST) };
}
