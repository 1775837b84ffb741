import type { BatchdropEvent } from '../contract/events.ts';
import type { MetricName } from '../contract/metrics.ts';
import type { WaitingPart } from '../domain/admission-queue.ts';
import type { Job } from '../domain/job.ts';
import type { JobSummary } from '../domain/job-summary.ts';
import type {
  Admissions,
  Control,
  CreateWindow,
  DueItem,
  KeyPointer,
  StalledItem,
} from '../domain/ledger-records.ts';
import type { ObservedBatch, Part, PartRef } from '../domain/part.ts';

/**
 * The record of every job, part and batch. Reads are consistent, but for `due`. `create…` answers false when the item
 * exists; `replace…` writes the item with `version + 1` and answers false unless the stored version is `item.version`.
 * A call that throws may have had its effect: read again. Errors: RetryableError.
 */
export interface Ledger {
  readJob(jobId: string): Promise<Job | undefined>;
  createJob(job: Job): Promise<boolean>;
  replaceJob(job: Job): Promise<boolean>;
  readPart(ref: PartRef): Promise<Part | undefined>;
  createPart(part: Part): Promise<boolean>;
  replacePart(part: Part): Promise<boolean>;
  /** All parts of a plan by number. */
  partsOf(jobId: string, planId: string): Promise<Part[]>;
  readBatchPointer(batchId: string): Promise<PartRef | undefined>;
  /** Idempotent: the same batch always points to the same part. */
  putBatchPointer(batchId: string, ref: PartRef, expiresAt: number): Promise<void>;
  readKeyPointer(bucket: string, key: string): Promise<KeyPointer | undefined>;
  /** Creates it when `pointer.version` is 0. */
  replaceKeyPointer(pointer: KeyPointer): Promise<boolean>;
  readControl(): Promise<Control>;
  /** Creates it when `control.version` is 0. */
  replaceControl(control: Control): Promise<boolean>;
  readAdmissions(): Promise<Admissions>;
  /** Creates them when `version` is 0. */
  replaceAdmissions(admissions: Admissions): Promise<boolean>;
  readCreateWindow(): Promise<CreateWindow>;
  /** Creates it when `version` is 0. */
  replaceCreateWindow(window: CreateWindow): Promise<boolean>;
  /** Items of one shard with `dueAt` ≤ `before`, longest due first. */
  due(shard: number, before: number, limit: number): Promise<DueItem[]>;
}

/** Which jobs a list asks for. Times in milliseconds. */
export interface JobsQuery {
  /** At least 1. */
  limit: number;
  status?: Job['status'];
  /** Only jobs created at this time or later. */
  since?: number;
  /** From the page before, to continue after it. */
  cursor?: string;
}

/** One page of jobs. `cursor` is absent on the last page. */
export interface JobsPage {
  jobs: JobSummary[];
  cursor?: string;
}

/**
 * What people ask of the ledger; no function needs it. The answers come from indexes and may be seconds old, except for
 * `openJobs`, which may only miss a job that is seconds old. Errors: RetryableError.
 */
export interface LedgerQueries {
  /** Newest first. A page has fewer than `limit` jobs only if it is the last. Errors: TerminalError `invalid_cursor`. */
  listJobs(query: JobsQuery): Promise<JobsPage>;
  /** Job ids that begin with `prefix`, at most `limit`, in alphabetical order. `prefix` has at least `ID_PREFIX_LENGTH` characters. */
  jobIdsWith(prefix: string, limit: number): Promise<string[]>;
  /** Jobs that have not ended, oldest first. */
  openJobs(): Promise<Job[]>;
  /** By job, then by part. */
  listStalled(): Promise<StalledItem[]>;
  /** Parts that only wait for admission, in the order in which they are admitted. */
  waitingParts(): Promise<WaitingPart[]>;
}

/** What the storage knows of an object version. */
export interface ObjectFacts {
  size: number;
  etag: string;
  /** Milliseconds; S3 keeps whole seconds. */
  lastModified: number;
  /** User metadata, names in lower case. */
  metadata: Record<string, string>;
}

/** The request bucket, read by version. Errors: RetryableError; NotAllowed; TerminalError `object_gone`. */
export interface RequestFiles {
  /** Undefined when there is no such version. */
  head(file: { bucket: string; key: string; versionId: string }): Promise<ObjectFacts | undefined>;
  /** Bytes `start` to `end` (exclusive), streamed; the whole object without a range. Throws while read, too. */
  read(
    file: { bucket: string; key: string; versionId: string },
    range?: { start: number; end: number },
  ): AsyncIterable<Uint8Array>;
}

/** Writes one object of unknown length in bounded memory; it becomes visible with `close`, never before. */
export interface ObjectWriter {
  /** Keeps nothing of `bytes`: they may be written over once it has answered. */
  write(bytes: Uint8Array): Promise<void>;
  /** Answers the object's length in bytes. */
  close(): Promise<number>;
  /** Gives up what was written; never throws. */
  abort(): Promise<void>;
}

/** The results bucket. Errors: RetryableError; NotAllowed; TerminalError `object_gone`. */
export interface ResultStore {
  put(key: string, body: string | Uint8Array, contentType: string): Promise<void>;
  openWriter(key: string, contentType: string): ObjectWriter;
  /** Undefined when there is no such object. */
  size(key: string): Promise<number | undefined>;
  read(key: string, range?: { start: number; end: number }): AsyncIterable<Uint8Array>;
  /** All keys that begin so, also of objects that were written a moment ago. */
  keysUnder(prefix: string): Promise<string[]>;
  /** Idempotent. */
  remove(keys: string[]): Promise<void>;
  /** A multipart upload that can be resumed by another process; parts are ≥ 5 MiB but the last. */
  beginUpload(key: string, contentType: string): Promise<string>;
  /** `partNumber` from 1; answers the part's ETag. */
  uploadBytes(key: string, uploadId: string, partNumber: number, body: Uint8Array): Promise<string>;
  uploadCopy(
    key: string,
    uploadId: string,
    partNumber: number,
    source: { key: string; start: number; end: number },
  ): Promise<string>;
  /** True when done now or before; false when the upload is unknown and the object is not there. */
  completeUpload(key: string, uploadId: string, etags: string[]): Promise<boolean>;
}

/** A file of this invocation alone, on its disk: what does not fit into memory. Errors: RetryableError when it is full. */
export interface ScratchFile {
  /** Adds bytes at the end and keeps nothing of them: they may be written over once it has answered. */
  write(bytes: Uint8Array): Promise<void>;
  /** Fills `target` with bytes that were written. */
  read(start: number, target: Uint8Array): Promise<void>;
  /** Gives its room back; never throws. */
  discard(): Promise<void>;
}

/** Room for files that end with the invocation. */
export interface Scratch {
  open(): Promise<ScratchFile>;
}

/** A page of `GET /batches`, newest first. */
export interface BatchPage {
  batches: ObservedBatch[];
  hasMore: boolean;
  /** The account that answered. */
  account: string;
}

/**
 * The OpenAI Batch API. Errors: RetryableError, NotAllowed, TerminalError (code). `createBatch` alone throws Ambiguous; every
 * other error of it means that no batch was created. Nothing is retried inside.
 */
export interface BatchApi {
  /** `bytes` is the exact length of `body`. The name ends in `.jsonl`. */
  uploadFile(
    upload: { name: string; bytes: number; body: AsyncIterable<Uint8Array> },
    signal: AbortSignal,
  ): Promise<{ fileId: string; account: string }>;
  createBatch(
    request: {
      inputFileId: string;
      endpoint: string;
      /** `24h` at OpenAI; other vendors have others. */
      completionWindow: string;
      metadata: Record<string, string>;
    },
    signal: AbortSignal,
  ): Promise<ObservedBatch>;
  retrieveBatch(batchId: string): Promise<ObservedBatch>;
  /** `limit` 1 to 100. A page that does not hold what it should is a RetryableError. */
  listBatches(query: { after?: string; limit: number }): Promise<BatchPage>;
  /** `too_late` and `unknown` are answers: retrieve and decide. */
  cancelBatch(batchId: string): Promise<ObservedBatch | 'too_late' | 'unknown'>;
  /** Length in bytes as the API has it; TerminalError `file_gone` when it is deleted or expired. */
  fileBytes(fileId: string): Promise<number>;
  readFile(fileId: string): AsyncIterable<Uint8Array>;
  /** Under another account's key each file seems gone: `account` is the one that answered. */
  deleteFile(fileId: string): Promise<{ was: 'deleted' | 'gone'; account: string }>;
}

/** The bus. Answers the `metadata.id`s that were refused; the caller keeps those. Errors: RetryableError. */
export interface EventBus {
  publish(events: BatchdropEvent[]): Promise<{ refused: string[] }>;
}

/** What the queues between the functions carry. */
export type WorkMessage =
  | { to: 'intake'; jobId: string }
  | { to: 'submit'; ref: PartRef }
  | { to: 'deliver'; ref: PartRef }
  | { to: 'finish'; jobId: string };

/** The queues between the functions; at least once. Errors: RetryableError. */
export interface WorkQueues {
  /** The queues this function may send to; what belongs into others is left to the reconciler. */
  readonly reaches: ReadonlySet<WorkMessage['to']>;
  send(messages: WorkMessage[]): Promise<void>;
}

/** Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

/** Fresh random ids, 26 characters of `a–z2–7`. */
export interface Ids {
  next(): string;
}

/** One line of log: a stable code, ids and numbers; never request lines, results, keys or events. */
export interface Log {
  info(code: string, facts?: Record<string, string | number | boolean | undefined>): void;
  warn(code: string, facts?: Record<string, string | number | boolean | undefined>): void;
  error(code: string, facts?: Record<string, string | number | boolean | undefined>, cause?: unknown): void;
}

/** Numbers for whoever watches. Never throws and never waits: one that is lost costs nobody anything. */
export interface Metrics {
  record(name: MetricName, value: number): void;
}

/** The time an invocation has: nothing irrevocable is begun past `until` (ms), and `signal` ends what is under way. */
export interface Deadline {
  until: number;
  signal: AbortSignal;
}

/** All outside things. A step takes a `Pick` of them. */
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
