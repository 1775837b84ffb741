import type { TaskErrorName } from '../contract/messages/start-request.ts';
import type { MetricName } from '../contract/metrics.ts';
import type { Job } from '../domain/job.ts';
import type { JobSummary } from '../domain/job-summary.ts';
import type {
  Admissions,
  Control,
  CreateWindow,
  DelayedItem,
  DueItem,
  KeyPointer,
  StalledItem,
} from '../domain/ledger-records.ts';
import type { OutgoingEvent, S3ObjectRef } from '../domain/outgoing-event.ts';
import type { ObservedBatch, Part, PartRef } from '../domain/part.ts';
import type { ContentFacts } from '../domain/same-bytes.ts';
import type { PastAttempts } from '../domain/spending/past-attempts.ts';
import type { WaitingPart } from '../domain/waiting/admission-queue.ts';
import type { Callback } from '../domain/workflows/callback.ts';

/**
 * The record of every job, part and batch. Reads are consistent, except `due`. `create…` returns false if the item
 * exists. `replace…` writes the item with `version + 1`, and returns false unless the stored version is `item.version`.
 * A call that throws may have taken effect, so read the item again. Errors: RetryableError.
 */
export interface Ledger {
  readJob(jobId: string): Promise<Job | undefined>;
  createJob(job: Job): Promise<boolean>;
  replaceJob(job: Job): Promise<boolean>;
  readPart(ref: PartRef): Promise<Part | undefined>;
  createPart(part: Part): Promise<boolean>;
  replacePart(part: Part): Promise<boolean>;
  /** Returns the parts of a plan, or of every plan of the job, sorted by plan and then by number. */
  partsOf(jobId: string, planId?: string): Promise<Part[]>;
  /** Returns a page of the part's earlier attempts. */
  readPast(ref: PartRef, page: number): Promise<PastAttempts | undefined>;
  createPast(past: PastAttempts): Promise<boolean>;
  replacePast(past: PastAttempts): Promise<boolean>;
  readBatchPointer(batchId: string): Promise<PartRef | undefined>;
  /**
   * Idempotent: a batch always points to the same part. `expiresAt`: the expiry of the ended job, in milliseconds.
   * Without it, the pointer never expires.
   */
  putBatchPointer(batchId: string, ref: PartRef, expiresAt?: number): Promise<void>;
  /** Returns when a webhook reported the end of a batch that no part had, in milliseconds; undefined if none did. */
  readEarlyEnd(batchId: string): Promise<number | undefined>;
  /** Notes that a webhook reported the end of a batch that no part has yet. Idempotent. Times in milliseconds. */
  noteEarlyEnd(batchId: string, at: number, expiresAt: number): Promise<void>;
  /**
   * Returns when the last genuine webhook was received, in milliseconds, accurate to a minute; undefined if none was.
   */
  readLastWebhook(): Promise<number | undefined>;
  /** Notes that a genuine webhook was received. Idempotent. In milliseconds. */
  noteWebhook(at: number): Promise<void>;
  readKeyPointer(bucket: string, key: string): Promise<KeyPointer | undefined>;
  /** Creates the item if `pointer.version` is 0. */
  replaceKeyPointer(pointer: KeyPointer): Promise<boolean>;
  readControl(): Promise<Control>;
  /** Creates the item if `control.version` is 0. */
  replaceControl(control: Control): Promise<boolean>;
  readAdmissions(): Promise<Admissions>;
  /** Creates the item if `version` is 0. */
  replaceAdmissions(admissions: Admissions): Promise<boolean>;
  readCreateWindow(): Promise<CreateWindow>;
  /** Creates the item if `version` is 0. */
  replaceCreateWindow(window: CreateWindow): Promise<boolean>;
  /** Returns items of one shard with `dueAt` ≤ `before`, the longest overdue first. */
  due(shard: number, before: number, limit: number): Promise<DueItem[]>;
}

/** The filter and page of a list of jobs. Times in milliseconds. */
export interface JobsQuery {
  /** At least 1. */
  limit: number;
  status?: Job['status'];
  /** Only jobs created at this time or later. */
  since?: number;
  /** The cursor of the previous page, to continue after it. */
  cursor?: string;
}

/** One page of jobs. `cursor` is absent on the last page. */
export interface JobsPage {
  jobs: JobSummary[];
  cursor?: string;
}

/**
 * Queries that people make; no function needs them. The answers come from indexes and may be seconds old, except for
 * `openJobs`, which may only miss a job that is seconds old. Errors: RetryableError.
 */
export interface LedgerQueries {
  /** Newest first. Only the last page may have fewer than `limit` jobs. Errors: TerminalError `invalid_cursor`. */
  listJobs(query: JobsQuery): Promise<JobsPage>;
  /**
   * Returns at most `limit` job ids that begin with `prefix`, in alphabetical order. `prefix` has at least
   * `ID_PREFIX_LENGTH` characters.
   */
  jobIdsWith(prefix: string, limit: number): Promise<string[]>;
  /** Returns the jobs that have not ended, oldest first. */
  openJobs(): Promise<Job[]>;
  /** Sorted by job, then by part. */
  listStalled(): Promise<StalledItem[]>;
  /** Returns the items that wait for a temporary condition, except for admission; sorted by job, then by part. */
  listDelayed(): Promise<DelayedItem[]>;
  /** Returns the parts that only wait for admission, oldest first: without shares, that is the order of admission. */
  waitingParts(): Promise<WaitingPart[]>;
}

/** What S3 reports of an object version. */
export interface ObjectFacts extends ContentFacts {
  /** Milliseconds; S3 keeps whole seconds. */
  lastModified: number;
  /** User metadata; names are in lower case. */
  metadata: Record<string, string>;
}

/** The request bucket, by object version. Errors: RetryableError; NotAllowed; TerminalError `object_gone`. */
export interface RequestFiles {
  /** Returns undefined if there is no such version. */
  head(file: { bucket: string; key: string; versionId: string }): Promise<ObjectFacts | undefined>;
  /**
   * Streams bytes `start` to `end` (exclusive), or the whole object without a range. It may also throw during the read.
   */
  read(
    file: { bucket: string; key: string; versionId: string },
    range?: { start: number; end: number },
  ): AsyncIterable<Uint8Array>;
  /**
   * Adds the tag of an ended job (`ENDED_TAG`) and keeps the version's other tags. Idempotent. Returns `full` if the
   * version already has as many tags as S3 allows, `gone` if there is no such version.
   */
  tagEnded(file: { bucket: string; key: string; versionId: string }): Promise<'tagged' | 'full' | 'gone'>;
}

/** Writes one object of unknown length in bounded memory. The object becomes visible only with `close`. */
export interface ObjectWriter {
  /** Copies `bytes`: the caller may reuse them once the promise has resolved. */
  write(bytes: Uint8Array): Promise<void>;
  /** Returns the object's length in bytes. */
  close(): Promise<number>;
  /** Discards what was written; never throws. */
  abort(): Promise<void>;
}

/**
 * The results bucket. The files for users are written when their job ends, so they have the tag of an ended job
 * (`ENDED_TAG`). Errors: RetryableError; NotAllowed; TerminalError `object_gone`.
 */
export interface ResultStore {
  put(key: string, body: string | Uint8Array, contentType: string): Promise<void>;
  openWriter(key: string, contentType: string): ObjectWriter;
  /** Returns the object's length in bytes; undefined if there is no such object. */
  size(key: string): Promise<number | undefined>;
  read(key: string, range?: { start: number; end: number }): AsyncIterable<Uint8Array>;
  /** Returns all keys with the prefix, including those of objects that were just written. */
  keysUnder(prefix: string): Promise<string[]>;
  /** Idempotent. */
  remove(keys: string[]): Promise<void>;
  /**
   * Begins a multipart upload that another process can resume, and returns its id. Parts are ≥ 5 MiB, except the last.
   */
  beginUpload(key: string, contentType: string): Promise<string>;
  /** Returns the part's ETag. `partNumber`: from 1. */
  uploadBytes(key: string, uploadId: string, partNumber: number, body: Uint8Array): Promise<string>;
  /** Copies bytes `start` to `end` (exclusive) of another object as a part, and returns the part's ETag. */
  uploadCopy(
    key: string,
    uploadId: string,
    partNumber: number,
    source: { key: string; start: number; end: number },
  ): Promise<string>;
  /**
   * Returns true if the object is complete, by this call or an earlier one; false if the upload is unknown and the
   * object is missing.
   */
  completeUpload(key: string, uploadId: string, etags: string[]): Promise<boolean>;
  /** Discards an upload that is not complete; never throws. */
  abortUpload(key: string, uploadId: string): Promise<void>;
}

/**
 * A temporary file on the invocation's disk, for data that does not fit in memory. Errors: RetryableError if the disk
 * is full.
 */
export interface ScratchFile {
  /** Appends the bytes: the caller may reuse them once the promise has resolved. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Fills `target` with the bytes from `start`. It is synchronous, because one promise per line would take longer than
   * the read.
   */
  read(start: number, target: Uint8Array): void;
  /** Deletes the file; never throws. */
  discard(): Promise<void>;
}

/** Creates temporary files, which are deleted with the invocation. */
export interface Scratch {
  open(): Promise<ScratchFile>;
}

/** A page of `GET /batches`; the newest batch should come first. Entries that are not batches are left out. */
export interface BatchPage {
  batches: ObservedBatch[];
  /** The list continues after this page. */
  hasMore: boolean;
  /** The `after` of the next page. Absent on the last page, or if the list continues but gives no usable cursor. */
  next?: string;
  /** The account of these batches. Compare accounts with `isSameAccount`. */
  account: string;
  /** The API's clock, in milliseconds. */
  answeredAt?: number;
}

/** A file that was uploaded. Times in milliseconds, absent if the API did not send them. */
export interface UploadedFile {
  fileId: string;
  /** Compare accounts with `isSameAccount`. */
  account: string;
  createdAt?: number;
  /** The API's time when it confirmed the file. */
  answeredAt?: number;
}

/**
 * The OpenAI Batch API. No call retries or hangs: small calls take at most 10 seconds, a create 60, and a stream that
 * pauses for 15 seconds fails. `signal` ends a call earlier. Errors: RetryableError, with what must change first
 * (`waitsFor`); NotAllowed; TerminalError (with a code) only if the input is wrong or does not exist. Only
 * `createBatch` throws Ambiguous; its other errors mean that no batch was created.
 */
export interface BatchApi {
  /** Uploads a file of exactly `bytes` bytes. The name ends in `.jsonl`. */
  uploadFile(
    upload: { name: string; bytes: number; body: AsyncIterable<Uint8Array> },
    signal: AbortSignal,
  ): Promise<UploadedFile>;
  createBatch(
    request: {
      inputFileId: string;
      endpoint: string;
      /** `24h` at OpenAI; other vendors allow other values. */
      completionWindow: string;
      metadata: Record<string, string>;
    },
    signal: AbortSignal,
  ): Promise<ObservedBatch>;
  retrieveBatch(batchId: string, signal?: AbortSignal): Promise<ObservedBatch>;
  /** `limit`: 1 to 100. A vendor without paging returns the whole list. */
  listBatches(query: { after?: string; limit: number }, signal?: AbortSignal): Promise<BatchPage>;
  /**
   * Returns `too_late` or `unknown` if the API refuses the cancel or does not describe the batch. Then retrieve the
   * batch and decide.
   */
  cancelBatch(batchId: string, signal?: AbortSignal): Promise<ObservedBatch | 'too_late' | 'unknown'>;
  /**
   * Returns the file's length in bytes; undefined if the API does not say it. Errors: TerminalError `file_gone` if the
   * API says that it does not have the file.
   */
  fileBytes(fileId: string, signal?: AbortSignal): Promise<number | undefined>;
  readFile(fileId: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Also returns the account of the current key, because with another account's key every file seems to be gone. */
  deleteFile(fileId: string, signal?: AbortSignal): Promise<{ was: 'deleted' | 'gone'; account: string }>;
}

/** The event bus. Errors: RetryableError. */
export interface EventBus {
  /** Returns the `metadata.id`s of the refused events. The caller publishes them again. */
  publish(events: OutgoingEvent[]): Promise<{ refused: string[] }>;
}

/** A message between the functions. */
export type WorkMessage =
  | { to: 'intake'; jobId: string }
  | { to: 'submit'; ref: PartRef }
  | { to: 'deliver'; ref: PartRef }
  | { to: 'finish'; jobId: string };

/** The queues between the functions; they deliver each message at least once. Errors: RetryableError. */
export interface WorkQueues {
  /** The queues that this function may send to. POLL sends the messages for the others. */
  readonly reaches: ReadonlySet<WorkMessage['to']>;
  send(messages: WorkMessage[]): Promise<void>;
}

/** Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

/** Creates random ids: 26 characters of `a–z2–7`. */
export interface Ids {
  next(): string;
}

/** Writes one log line: a stable code, ids and numbers. It never contains request lines, results, keys or events. */
export interface Log {
  info(code: string, facts?: Record<string, string | number | boolean | undefined>): void;
  warn(code: string, facts?: Record<string, string | number | boolean | undefined>): void;
  error(code: string, facts?: Record<string, string | number | boolean | undefined>, cause?: unknown): void;
}

/** Values for dashboards and alarms. `record` never throws and never waits. A lost value does no harm. */
export interface Metrics {
  record(name: MetricName, value: number): void;
}

/** The signing secrets of webhooks that are valid now. Errors: RetryableError; NotAllowed if there is none. */
export interface SigningSecrets {
  current(): Promise<string[]>;
  /**
   * Call this after a signature that matches no secret. It reads the secrets again, but at most once a minute;
   * otherwise it returns none.
   */
  afterRefusal(): Promise<string[]>;
}

/**
 * Returns whether one of the secrets signed these bytes within the last five minutes. Header names are in lower case.
 */
export type IsGenuine = (
  secrets: readonly string[],
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
) => boolean;

/** The tasks of Step Functions that wait for jobs. Reads are consistent. Errors: RetryableError. */
export interface Callbacks {
  read(callbackId: string): Promise<Callback | undefined>;
  /** Writes or replaces the record. Idempotent. */
  save(callback: Callback): Promise<void>;
  /** Notes that the task waits for this job. Idempotent. */
  follow(jobId: string, callback: Callback): Promise<void>;
  /** Returns the ids of the callbacks that follow the job. */
  followersOf(jobId: string): Promise<string[]>;
}

/**
 * Answers tasks of Step Functions. Returns `gone` if the task does not wait any more: it timed out, was answered, or its
 * execution ended. Errors: RetryableError, which never contains the token.
 */
export interface WaitingTasks {
  /** `output`: JSON, at most 262,144 bytes. */
  succeed(taskToken: string, output: string): Promise<'answered' | 'gone'>;
  /** `cause`: at most 32,768 characters. */
  fail(taskToken: string, error: TaskErrorName, cause: string): Promise<'answered' | 'gone'>;
}

/** A file that is copied into the request bucket, as it was when it was looked at. */
export interface SourceFile extends S3ObjectRef {
  size: number;
  etag: string;
}

/** Copies files into the request bucket. Errors: RetryableError; TerminalError `object_gone`. */
export interface RequestCopies {
  /** Returns what S3 reports of the newest version of a file; undefined if there is none. Errors: also `access_denied`. */
  look(source: S3ObjectRef): Promise<ObjectFacts | undefined>;
  /**
   * Copies the bytes within S3, without the tags of the source; `metadata` replaces its own. Errors: also `object_gone` if the
   * source is not as it was, and `metadata_too_large`.
   */
  copy(source: SourceFile, target: CopyTarget, signal: AbortSignal): Promise<void>;
}

/** The place of a copy, with its user metadata. */
export interface CopyTarget extends S3ObjectRef {
  metadata: Record<string, string>;
}

/**
 * The invocation's deadline: nothing irrevocable begins after `until` (milliseconds), and `signal` ends what is in
 * progress.
 */
export interface Deadline {
  until: number;
  signal: AbortSignal;
}

/** All external systems. A step takes a `Pick` of them. */
export interface Ports {
  ledger: Ledger;
  requestFiles: RequestFiles;
  results: ResultStore;
  scratch: Scratch;
  api: BatchApi;
  bus: EventBus;
  queues: WorkQueues;
  clock: Clock;
  ids: Ids;
  log: Log;
  metrics: Metrics;
}
