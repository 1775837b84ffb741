import type { JobStatus, ReportedBatchStatus } from './batch-status.ts';
import type { ApprovalRequest } from './messages/approval-request.ts';
import type { CancelRequest } from './messages/cancel-request.ts';

/**
 * The `source` of every event.
 * @example new Rule(stack, 'All', { eventBus: batchdrop.eventBus, eventPattern: { source: [EVENT_SOURCE] }, targets: [new SqsQueue(queue)] });
 */
export const EVENT_SOURCE = 'batchdrop';

/**
 * The `detail-type` of each kind of event.
 * @example if (event['detail-type'] === DETAIL_TYPE.jobStalled) console.log(event.detail.data.message);
 */
export const DETAIL_TYPE = {
  batchStatusChange: 'OpenAI Batch Status Change',
  jobStatusChange: 'OpenAI Batch Job Status Change',
  cancelOutcome: 'OpenAI Batch Cancel Outcome',
  approvalOutcome: 'OpenAI Batch Approval Outcome',
  jobStalled: 'OpenAI Batch Job Stalled',
} as const;

/**
 * The version of `detail`. It stays the same if a new version of Batchdrop only adds fields.
 * @example if (event.detail.metadata.version > EVENT_VERSION) console.log('upgrade the package to read this event');
 */
export const EVENT_VERSION = 1;

/**
 * The maximum number of entries of a list in an event. Longer lists are cut, and their full count is stated.
 * @example const [shown, all] = [Math.min(findings.count, LISTED_AT_MOST), findings.count];
 */
export const LISTED_AT_MOST = 20;

/**
 * The metadata of every event.
 * @example { id: '3f0c…', version: 1, sequence: 4, occurredAt: '2026-11-29T12:00:00.123Z', instance: 'Reports.Batchdrop' }
 */
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

/**
 * The metadata of a status change.
 * @example
 * {
 *   id: '3f0c…',
 *   version: 1,
 *   sequence: 4,
 *   occurredAt: '2026-11-29T12:00:00.123Z',
 *   instance: 'Reports.Batchdrop',
 *   jobId: 'vtnvjcbb',
 * }
 */
export interface JobEventMetadata extends EventMetadata {
  /** The job: one version of a request file. */
  readonly jobId: string;
}

/**
 * The metadata of a cancel outcome.
 * @example cancelOutcomeExamples.requested.detail.metadata
 */
export interface CancelEventMetadata extends EventMetadata {
  /** Absent if the cancel request does not name a known batch, job, or file. */
  readonly jobId?: string;
}

/**
 * The version of the object that is the request file.
 * @example { bucket: 'our-files', key: 'batches/reviews.jsonl', versionId: '3sL4kqtJlcpXroDTDmJ' }
 */
export interface RequestFileRef {
  /** The bucket. */
  readonly bucket: string;
  /** The key. */
  readonly key: string;
  /** S3's id of the version. */
  readonly versionId: string;
}

/**
 * The request file, with what S3 reports of its content.
 * @example { bucket: 'our-files', key: 'batches/reviews.jsonl', versionId: '3sL4kqtJlcpXroDTDmJ', size: 1_204, etag: '9b2cf535' }
 */
export interface RequestFileFacts extends RequestFileRef {
  /** Bytes. */
  readonly size: number;
  /** S3's ETag of the version. */
  readonly etag: string;
}

/**
 * Tokens as the API reports them. In the events of a job, they are summed over its batches.
 * @example { inputTokens: 900, cachedInputTokens: 0, outputTokens: 300, reasoningTokens: 0, totalTokens: 1_200 }
 */
export interface TokenUsage {
  /** Input, cached input included. */
  readonly inputTokens: number;
  /** Input that the API read from its cache. */
  readonly cachedInputTokens: number;
  /** Output, reasoning included. */
  readonly outputTokens: number;
  /** Output that the model used to reason. */
  readonly reasoningTokens: number;
  /** Input and output. */
  readonly totalTokens: number;
}

/**
 * What the tokens of one model cost. Money is a decimal number of the currency, such as `0.0325`, and exact.
 * @example
 * {
 *   model: 'gpt-4o-mini-2024-07-18',
 *   rows: 1_000,
 *   inputTokens: 100_000,
 *   cachedInputTokens: 0,
 *   cacheWriteTokens: 0,
 *   outputTokens: 50_000,
 *   reasoningTokens: 0,
 *   list: '0.045',
 *   paid: '0.0225',
 * }
 */
export interface ModelCost {
  /** As the results name it; `(other models)` for all after the twentieth. */
  readonly model: string;
  /** How many results report tokens. A row that ran in two batches has two. */
  readonly rows: number;
  /** Cached input and cache writes are included. */
  readonly inputTokens: number;
  /** Input that the API read from its cache. */
  readonly cachedInputTokens: number;
  /** Input that the API wrote to its cache. */
  readonly cacheWriteTokens: number;
  /** Reasoning is included. */
  readonly outputTokens: number;
  /** Output that the model used to reason. */
  readonly reasoningTokens: number;
  /** The list price, without the discount of a batch; null if the price is not known. */
  readonly list: string | null;
  /** The list price less the discount of a batch; null if the price is not known. */
  readonly paid: string | null;
}

/**
 * What a job cost, from the tokens that its results report.
 * @example { currency: 'USD', list: '0.045', paid: '0.0225', models: [], rowsWithoutUsage: 0 }
 */
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

/**
 * How many tokens are expected. The true number lies within `low` and `high` in at least 95 of 100 cases.
 * @example { low: 90_000, likely: 100_000, high: 110_000 }
 */
export interface EstimatedTokens {
  /** The lowest number expected. */
  readonly low: number;
  /** The most likely number. */
  readonly likely: number;
  /** Null if rows set no limit for their output, and no batch of such rows was measured yet. */
  readonly high: number | null;
}

/**
 * What is expected to be paid, as decimal numbers: the list price less the batch discount.
 * @example { low: '0.018', likely: '0.0225', high: null }
 */
export interface EstimatedCost {
  /** The job costs at least this in at least 95 of 100 cases. */
  readonly low: string;
  /** The most likely cost. */
  readonly likely: string;
  /** Null if `high` of the output tokens is. */
  readonly high: string | null;
}

/**
 * A model of an estimate, and where its price comes from.
 * @example { model: 'gpt-4o-mini', rows: 1_000, price: 'list', priceDate: '2026-11-20' }
 */
export interface EstimatedModel {
  /** The model, as the rows name it. */
  readonly model: string;
  /** How many rows name it. */
  readonly rows: number;
  /** `list`: of the table that Batchdrop comes with. `settings`: your own. `unknown`: no price is known. */
  readonly price: 'list' | 'settings' | 'unknown';
  /** Of a list price: the first day it holds, or else the day it was found, such as `2026-11-29`. Null for others. */
  readonly priceDate: string | null;
}

/**
 * The first 5 models of an estimate, and how many there are in all: first those without a price, then those of the most rows.
 * @example { count: 1, first: [{ model: 'my-model', rows: 1_000, price: 'unknown', priceDate: null }] }
 */
export interface EstimatedModelExcerpt {
  /** How many models there are in all. */
  readonly count: number;
  /** The first 5 models. */
  readonly first: EstimatedModel[];
}

/**
 * What a job will use and cost, before anything is sent.
 * @example
 * {
 *   currency: 'USD',
 *   cost: { low: '0.018', likely: '0.0225', high: null },
 *   inputTokens: { low: 90_000, likely: 100_000, high: 110_000 },
 *   outputTokens: { low: 10_000, likely: 50_000, high: null },
 *   measured: false,
 *   batchDiscount: 0.5,
 *   models: { count: 1, first: [{ model: 'gpt-4o-mini', rows: 1_000, price: 'list', priceDate: '2026-11-20' }] },
 * }
 */
export interface JobEstimate {
  /** ISO 4217, such as `USD`. */
  readonly currency: string;
  /** Null if no price is known for one of the models. */
  readonly cost: EstimatedCost | null;
  /** Tokens of the requests. */
  readonly inputTokens: EstimatedTokens;
  /** Tokens of the answers, reasoning included. */
  readonly outputTokens: EstimatedTokens;
  /** Batches of such rows were measured. If false, the numbers of tokens follow from bytes and limits alone. */
  readonly measured: boolean;
  /** What a batch costs less than the list price, from 0 to 1. */
  readonly batchDiscount: number;
  /** The models of the file. */
  readonly models: EstimatedModelExcerpt;
}

/**
 * `request_counts` of a batch as the API reports them. While the batch runs, and after it expired, they may not add up.
 * @example { total: 1_000, completed: 990, failed: 10 }
 */
export interface RequestCounts {
  /** Rows in the batch. */
  readonly total: number;
  /** Rows with a result. */
  readonly completed: number;
  /** Rows with an error. */
  readonly failed: number;
}

/**
 * Rows by outcome, counted in the stored results. `total` is the sum of the others.
 * @example { total: 1_000, succeeded: 980, failed: 10, expired: 10, cancelled: 0, missing: 0 }
 */
export interface RowCounts {
  /** All rows of the request file. */
  readonly total: number;
  /** Rows with a result. */
  readonly succeeded: number;
  /** Rows with an error. */
  readonly failed: number;
  /** Rows that did not run before the completion window ended. */
  readonly expired: number;
  /** Rows that did not run because of a cancel. */
  readonly cancelled: number;
  /** Rows of ended batches that neither result file has. */
  readonly missing: number;
}

/**
 * One error of a batch as the API reports it.
 * @example { code: 'token_limit_exceeded', message: 'Enqueued token limit reached for gpt-4o-mini', param: null, line: null }
 */
export interface BatchError {
  /** OpenAI's code of the error; null if it gives none. */
  readonly code: string | null;
  /** The error in words; null if the API gives none. */
  readonly message: string | null;
  /** The parameter that caused the error; null if the API names none. */
  readonly param: string | null;
  /** Line of the batch's input file, from 1; null for an error of the whole batch. */
  readonly line: number | null;
}

/**
 * The first 20 errors of a batch, and how many there are in all.
 * @example { count: 1, first: [{ code: 'invalid_json_line', message: 'Not JSON', param: null, line: 7 }] }
 */
export interface BatchErrorExcerpt {
  /** How many errors there are in all. */
  readonly count: number;
  /** The first 20 errors. */
  readonly first: BatchError[];
}

/**
 * The reason for the end of a batch or job: a stable code, and a message.
 * @example { code: 'cancelled', message: 'cancelled on a request of 2026-11-20T18:06:01.000Z' }
 */
export interface Reason {
  /** A stable code. */
  readonly code: string;
  /** The reason in a sentence, for people. */
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
 * @example 'enqueued_tokens'
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

/**
 * What the part of a failed batch waits for before it is tried again.
 * @example { for: 'token_limit', position: 1, until: '2026-11-29T12:05:00.000Z' }
 */
export interface BatchWaiting {
  /** What it waits for. */
  readonly for: WaitingFor;
  /**
   * Position, from 1, among the waiting parts of the same model at that time, oldest job first; with `shares`, among those of
   * the same share and priority; null if it was not known.
   */
  readonly position: number | null;
  /** ISO 8601. The part is tried again as soon as there is capacity, or at this time once it is first in its queue. */
  readonly until: string;
}

/**
 * The fields of every status change of a batch.
 * @example batchStatusExamples.completed.detail.data
 */
export interface BatchStatusChangeData {
  /** OpenAI's id of the batch. */
  readonly batchId: string;
  /** The new status of the batch. */
  readonly status: ReportedBatchStatus;
  /** Null for the first status of the batch. */
  readonly previousStatus: ReportedBatchStatus | null;
  /** The request file whose rows the batch runs. */
  readonly requestFile: RequestFileRef;
  /** Which part of the request file this batch runs, from 1 to `plannedParts`. */
  readonly partNumber: number;
  /** Into how many parts the request file was divided. */
  readonly plannedParts: number;
  /** From 1. Rises each time Batchdrop sends the part, or its remaining rows, again. */
  readonly attempt: number;
  /** The endpoint that the rows call, such as `/v1/responses`. */
  readonly endpoint: string;
  /** The model that the rows name. */
  readonly model: string;
  /** The rows in this batch. A later attempt sends only the rows that run again. */
  readonly sentRows: number;
  /** Rows by outcome, as the API counts them; null until it reports them. */
  readonly requestCounts: RequestCounts | null;
  /** Tokens of the batch; null until the API reports them. */
  readonly usage: TokenUsage | null;
  /** OpenAI's id of the uploaded rows. */
  readonly inputFileId: string;
  /** OpenAI's id of the file with results; null if there is none yet. */
  readonly outputFileId: string | null;
  /** OpenAI's id of the file with failed rows; null if there is none. */
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

/**
 * `detail` of an `OpenAI Batch Status Change`.
 * @example batchStatusExamples.in_progress.detail
 */
export interface BatchStatusChange {
  /** The head of the event: ids, sequence, time, and the job. */
  readonly metadata: JobEventMetadata;
  /** The batch, as it is since the change. */
  readonly data: BatchStatusChangeData;
}

/**
 * The fields of every status change of a job.
 * @example jobStatusExamples.accepted.detail.data
 */
export interface JobStatusChangeBase {
  /** Null for the first status of the job. */
  readonly previousStatus: JobStatus | null;
  /** The request file of the job. */
  readonly requestFile: RequestFileFacts;
  /** From the request file's `x-amz-meta-batch-*`. */
  readonly metadata: Record<string, string>;
  /** The job whose rows this one runs again. Absent unless the request file names it (`batchdrop retry`). */
  readonly retryOf?: string;
}

/**
 * What the parts of an accepted job wait for.
 * @example { for: 'open_batches' }
 */
export interface JobWaiting {
  /** What the first waiting part waits for. */
  readonly for: WaitingFor;
}

/**
 * The file was read and checked. It is held: nothing is sent before somebody approves the job.
 * @example
 * if (event['detail-type'] === 'OpenAI Batch Job Status Change') {
 *   const { data } = event.detail;
 *   if (data.status === 'unapproved') console.log(data.reason.message, data.approveBy, data.estimate?.cost?.likely);
 * }
 */
export interface JobUnapproved extends JobStatusChangeBase {
  /** Distinguishes this status in `JobStatusChangeData`. */
  readonly status: 'unapproved';
  /** The number of rows in the request file. */
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

/**
 * The file was read and validated. Nothing has been sent yet.
 * @example
 * if (event['detail-type'] === 'OpenAI Batch Job Status Change') {
 *   const { data } = event.detail;
 *   if (data.status === 'accepted') console.log(data.plannedRows, data.waiting?.for);
 * }
 */
export interface JobAccepted extends JobStatusChangeBase {
  /** Distinguishes this status in `JobStatusChangeData`. */
  readonly status: 'accepted';
  /** The number of rows in the request file. */
  readonly plannedRows: number;
  /** The number of batches, unless rows run again. */
  readonly plannedParts: number;
  /** What it will use and cost. Absent if a version before 0.2 planned it. */
  readonly estimate?: JobEstimate;
  /** Present if its batches have to wait: for capacity, or because nothing can be sent at present. */
  readonly waiting?: JobWaiting;
}

/**
 * The first batch of the job exists.
 * @example
 * if (event['detail-type'] === 'OpenAI Batch Job Status Change') {
 *   const { data } = event.detail;
 *   if (data.status === 'submitted') console.log(data.plannedRows, data.plannedParts);
 * }
 */
export interface JobSubmitted extends JobStatusChangeBase {
  /** Distinguishes this status in `JobStatusChangeData`. */
  readonly status: 'submitted';
  /** The number of rows in the request file. */
  readonly plannedRows: number;
  /** The number of batches, unless rows run again. */
  readonly plannedParts: number;
}

/**
 * One finding in a request file. `line` counts from 1. It is null for a finding about the whole file.
 * @example { line: 7, code: 'duplicate_custom_id', message: 'custom_id "a" is also in line 3' }
 */
export interface Finding {
  /** The line with the problem; null if it concerns the whole file. */
  readonly line: number | null;
  /** A stable code, such as `duplicate_custom_id`. */
  readonly code: string;
  /** The problem in a sentence, for people. */
  readonly message: string;
}

/**
 * The first 20 findings, and how many there are in all.
 * @example { count: 1, first: [{ line: 7, code: 'invalid_json', message: 'the line is not JSON' }] }
 */
export interface FindingExcerpt {
  /** How many findings there are in all. */
  readonly count: number;
  /** The first 20 findings. */
  readonly first: Finding[];
}

/**
 * The place of the report on a rejected file, with up to 1,000 findings.
 * @example { bucket: 'our-results', key: 'batches/reviews.jsonl/vtnvjcbb/rejected.json' }
 */
export interface ReportRef {
  /** The results bucket. */
  readonly bucket: string;
  /** The key of `rejected.json`. */
  readonly key: string;
}

/**
 * The file was rejected. Nothing was sent.
 * @example
 * if (event['detail-type'] === 'OpenAI Batch Job Status Change') {
 *   const { data } = event.detail;
 *   if (data.status === 'rejected') for (const { line, message } of data.findings.first) console.log(line, message);
 * }
 */
export interface JobRejected extends JobStatusChangeBase {
  /** Distinguishes this status in `JobStatusChangeData`. */
  readonly status: 'rejected';
  /** What is wrong with the file. */
  readonly findings: FindingExcerpt;
  /** Where the report with more findings is. */
  readonly report: ReportRef;
}

/**
 * Another job has the same bytes. It is open, or it ended less than 24 hours ago.
 * @example
 * if (event['detail-type'] === 'OpenAI Batch Job Status Change') {
 *   const { data } = event.detail;
 *   if (data.status === 'joined') console.log(data.joinedJobId, data.unsuccessfulRows ?? 0);
 * }
 */
export interface JobJoined extends JobStatusChangeBase {
  /** Distinguishes this status in `JobStatusChangeData`. */
  readonly status: 'joined';
  /** The job that runs, or ran, the same bytes. Its events report the results. */
  readonly joinedJobId: string;
  /** How many rows of that job did not succeed. Absent while the job runs, and if every row succeeded. */
  readonly unsuccessfulRows?: number;
  /** Present with `unsuccessfulRows`: why these rows did not succeed, and what you can do. */
  readonly message?: string;
}

/**
 * A batch of a job, and how it ended.
 * @example { batchId: 'batch_abc123', status: 'completed' }
 */
export interface EndedBatch {
  /** OpenAI's id of the batch. */
  readonly batchId: string;
  /** How the batch ended. */
  readonly status: ReportedBatchStatus;
}

/**
 * The first 20 batches of a job, and how many there are in all.
 * @example { count: 1, first: [{ batchId: 'batch_abc123', status: 'completed' }] }
 */
export interface BatchExcerpt {
  /** How many batches there are in all. */
  readonly count: number;
  /** The first 20 batches. */
  readonly first: EndedBatch[];
}

/**
 * The place of a job's results: a bucket, and keys in it.
 * @example
 * {
 *   bucket: 'our-results',
 *   output: 'batches/reviews.jsonl/vtnvjcbb/output.jsonl',
 *   errors: 'batches/reviews.jsonl/vtnvjcbb/errors.jsonl',
 *   summary: 'batches/reviews.jsonl/vtnvjcbb/summary.json',
 * }
 */
export interface ResultsRef {
  /** The results bucket. */
  readonly bucket: string;
  /** The key of `output.jsonl`: the rows that succeeded. */
  readonly output: string;
  /** The key of `errors.jsonl`: all other rows. */
  readonly errors: string;
  /** The key of `summary.json`: counts, tokens, and cost. */
  readonly summary: string;
  /** The results as one table, `output.csv`. Absent unless the file or the prop `flatResults` asks for it. */
  readonly csv?: string;
}

/**
 * The job has ended and you can read its results. `completed` does not mean that every row succeeded: read `rows`.
 * @example
 * if (event['detail-type'] === 'OpenAI Batch Job Status Change') {
 *   const { data } = event.detail;
 *   if (data.status === 'completed' && data.results) console.log(data.rows.succeeded, data.results.output);
 * }
 */
export interface JobEnded extends JobStatusChangeBase {
  /** How the job ended. */
  readonly status: 'completed' | 'failed' | 'expired' | 'cancelled';
  /** Rows by outcome. */
  readonly rows: RowCounts;
  /** Tokens of all batches of the job; null if the API reported none. */
  readonly usage: TokenUsage | null;
  /** Null if the job ended before its file was planned. */
  readonly cost: JobCost | null;
  /** The batches of the job, in all attempts. */
  readonly batches: BatchExcerpt;
  /** Absent if the job ended before its file was planned. */
  readonly results?: ResultsRef;
  /**
   * Present with `failed` and `cancelled`. Also present with `completed` if no row succeeded: then it has the code and
   * message of the most frequent error, and how many rows have it.
   */
  readonly reason?: Reason;
}

/**
 * A union by `status`.
 * @example jobStatusExamples.completed.detail.data
 */
export type JobStatusChangeData =
  | JobUnapproved
  | JobAccepted
  | JobRejected
  | JobJoined
  | JobSubmitted
  | JobEnded;

/**
 * `detail` of an `OpenAI Batch Job Status Change`.
 * @example jobStatusExamples.failed.detail
 */
export interface JobStatusChange {
  /** The head of the event: ids, sequence, time, and the job. */
  readonly metadata: JobEventMetadata;
  /** The job, as it is since the change. */
  readonly data: JobStatusChangeData;
}

/**
 * The outcome of a cancel request.
 * - `requested`: the cancel is recorded; later status changes show its effect
 * - `too_late`: the batch or job had already ended
 * - `unknown`: there is no such batch or job
 * - `remembered`: there is no such file yet. If it was uploaded before the message was sent, it is cancelled when its
 * event arrives
 * @example 'too_late'
 */
export type CancelOutcomeKind = 'requested' | 'too_late' | 'unknown' | 'remembered';

/**
 * The outcome of one cancel request.
 * @example cancelOutcomeExamples.too_late.detail.data
 */
export interface CancelOutcomeData {
  /** The request as it was sent. */
  readonly request: CancelRequest;
  /** What became of the request. */
  readonly outcome: CancelOutcomeKind;
  /** The status of the batch or job when Batchdrop read the request; null if there is no such batch or job. */
  readonly status: string | null;
  /** The outcome in a sentence, for people. */
  readonly message: string;
  /** The request file of the job that the request means; absent if there is no such job. */
  readonly requestFile?: RequestFileRef;
}

/**
 * `detail` of an `OpenAI Batch Cancel Outcome`.
 * @example cancelOutcomeExamples.unknown.detail
 */
export interface CancelOutcome {
  /** The head of the event: ids, time, and the job if there is one. */
  readonly metadata: CancelEventMetadata;
  /** The outcome. */
  readonly data: CancelOutcomeData;
}

/**
 * The outcome of an approval.
 * - `approved`: the approval is recorded, now or before; later status changes show its effect
 * - `too_late`: the job has ended, or is being cancelled
 * - `unknown`: there is no such job
 * @example 'approved'
 */
export type ApprovalOutcomeKind = 'approved' | 'too_late' | 'unknown';

/**
 * The outcome of one approval.
 * @example approvalOutcomeExamples.approved.detail.data
 */
export interface ApprovalOutcomeData {
  /** As it was sent. */
  readonly request: ApprovalRequest;
  /** What became of the approval. */
  readonly outcome: ApprovalOutcomeKind;
  /** The status of the job when Batchdrop read the approval; null if there is no such job. */
  readonly status: string | null;
  /** The outcome in a sentence, for people. */
  readonly message: string;
  /** The request file of the job; absent if there is no such job. */
  readonly requestFile?: RequestFileRef;
}

/**
 * The head of an approval outcome.
 * @example approvalOutcomeExamples.approved.detail.metadata
 */
export interface ApprovalEventMetadata extends EventMetadata {
  /** Absent if the approval names no known job. */
  readonly jobId?: string;
}

/**
 * `detail` of an `OpenAI Batch Approval Outcome`.
 * @example approvalOutcomeExamples.too_late.detail
 */
export interface ApprovalOutcome {
  /** The head of the event: ids, time, and the job if there is one. */
  readonly metadata: ApprovalEventMetadata;
  /** The outcome. */
  readonly data: ApprovalOutcomeData;
}

/**
 * Why a part of a job waits for a person: two of its creates have no known outcome (`create_uncertain`), or the API has
 * lost its uploaded file several times (`upload_lost`). A later version may add causes.
 * @example 'create_uncertain'
 */
export type StallCause = 'create_uncertain' | 'upload_lost' | (string & {});

/**
 * A part of a job that waits until a person releases or cancels it.
 * @example
 * if (event['detail-type'] === 'OpenAI Batch Job Stalled') {
 *   const { cause, partNumber, message } = event.detail.data;
 *   console.log(cause, partNumber, message);
 * }
 */
export interface JobStalledData {
  /** Why the part waits. */
  readonly cause: StallCause;
  /** The cause and what you can do, in a sentence, for people. */
  readonly message: string;
  /** The request file of the job. */
  readonly requestFile: RequestFileRef;
  /** Which part of the request file waits, from 1 to `plannedParts`. */
  readonly partNumber: number;
  /** Into how many parts the request file was divided. */
  readonly plannedParts: number;
  /** How many creates of the part have no known outcome. */
  readonly unresolvedCreates: number;
  /** From the request file's `x-amz-meta-batch-*`. */
  readonly metadata: Record<string, string>;
}

/**
 * `detail` of an `OpenAI Batch Job Stalled`.
 * @example
 * if (event['detail-type'] === 'OpenAI Batch Job Stalled') {
 *   const { metadata, data } = event.detail;
 *   console.log(metadata.jobId, data.message);
 * }
 */
export interface JobStalled {
  /** The head of the event: ids, sequence, time, and the job. */
  readonly metadata: JobEventMetadata;
  /** What waits, and why. */
  readonly data: JobStalledData;
}

/**
 * The fields that EventBridge adds to the detail of every event.
 * @example jobStatusExamples.completed
 */
export interface EventEnvelope {
  /** Version of the envelope: `0`. The version of the detail is `detail.metadata.version`. */
  readonly version: string;
  /** Assigned by EventBridge. Copies of one event have different ids: use `detail.metadata.id` instead. */
  readonly id: string;
  /** Always `EVENT_SOURCE`. */
  readonly source: 'batchdrop';
  /** The AWS account of the Batchdrop. */
  readonly account: string;
  /** ISO 8601, `detail.metadata.occurredAt` without the fraction of a second. */
  readonly time: string;
  /** The AWS region of the Batchdrop. */
  readonly region: string;
  /** ARNs of the S3 objects that the event names, the request file first. */
  readonly resources: string[];
}

/**
 * A status change of a batch, as the target of a rule receives it.
 * @example batchStatusExamples.expired
 */
export interface BatchStatusChangeEvent extends EventEnvelope {
  /** Always this text: the event is a status change of a batch. */
  readonly 'detail-type': 'OpenAI Batch Status Change';
  /** What Batchdrop published. */
  readonly detail: BatchStatusChange;
}

/**
 * A status change of a job, as the target of a rule receives it.
 * @example jobStatusExamples.rejected
 */
export interface JobStatusChangeEvent extends EventEnvelope {
  /** Always this text: the event is a status change of a job. */
  readonly 'detail-type': 'OpenAI Batch Job Status Change';
  /** What Batchdrop published. */
  readonly detail: JobStatusChange;
}

/**
 * The outcome of a cancel request, as the target of a rule receives it.
 * @example cancelOutcomeExamples.remembered
 */
export interface CancelOutcomeEvent extends EventEnvelope {
  /** Always this text: the event is the outcome of a cancel request. */
  readonly 'detail-type': 'OpenAI Batch Cancel Outcome';
  /** What Batchdrop published. */
  readonly detail: CancelOutcome;
}

/**
 * An approval was read, as a target of a rule gets it.
 * @example approvalOutcomeExamples.unknown
 */
export interface ApprovalOutcomeEvent extends EventEnvelope {
  /** Always this text: the event is the outcome of an approval. */
  readonly 'detail-type': 'OpenAI Batch Approval Outcome';
  /** What Batchdrop published. */
  readonly detail: ApprovalOutcome;
}

/**
 * A job with a part that waits for a person, as the target of a rule receives it.
 * @example const handler = async ({ detail }: JobStalledEvent) => console.log(detail.data.message);
 */
export interface JobStalledEvent extends EventEnvelope {
  /** Always this text: the event is a job with a part that waits for a person. */
  readonly 'detail-type': 'OpenAI Batch Job Stalled';
  /** What Batchdrop published. */
  readonly detail: JobStalled;
}

/**
 * Any event of Batchdrop as the target of a rule, such as a Lambda function, receives it: a union by `detail-type`.
 * @example
 * const handler = async (event: BatchdropEvent) => {
 *   if (event['detail-type'] !== 'OpenAI Batch Job Status Change') return;
 *   if (event.detail.data.status === 'completed') console.log(event.detail.data.rows);
 * };
 */
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
