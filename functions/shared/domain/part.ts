import type {
  BatchError,
  Reason,
  RequestCounts,
  RequestFileRef,
  RowCounts,
  TokenUsage,
  WaitingFor,
} from '../contract/events.ts';
import type { Lease } from './job.ts';

/** A batch as the API reported it; times in milliseconds, what is unset at the API is absent here. */
export interface ObservedBatch {
  batchId: string;
  status: string;
  endpoint: string;
  inputFileId: string;
  outputFileId?: string;
  errorFileId?: string;
  createdAt: number;
  expiresAt?: number;
  endedAt?: number;
  counts?: RequestCounts;
  usage?: TokenUsage;
  /** At most the first 20; `errorCount` counts all. */
  errors: BatchError[];
  errorCount: number;
  metadata: Record<string, string>;
}

/**
 * The will to run a part as one batch. It grows field by field, each a compare-and-set:
 * id → fileId → sendBy (from here on a batch may exist) → the part's batch.
 */
export interface Intent {
  id: string;
  at: number;
  /** The account the file was uploaded to: an opaque fingerprint. */
  account?: string;
  fileId?: string;
  /** CRC-32 of the uploaded bytes, 8 hexadecimal digits. */
  crc32?: string;
  /** The last moment at which `POST /batches` may leave this side. Set before it is sent. */
  sendBy?: number;
  /** When a search for its batch first found nothing. */
  foundNothingAt?: number;
}

/** A file at the API, and the account that has it. */
export interface FileAtApi {
  fileId: string;
  account?: string;
}

/** An intent that was given up: its file was deleted and no batch was found on it. */
interface AbandonedIntent extends FileAtApi {
  intentId: string;
  /** When the intent began. */
  at: number;
  /** When it was given up. */
  givenUpAt?: number;
}

/** What delivering a part stored and counted, over all its attempts. */
export interface Delivered {
  /** Which delivery's pieces count. */
  deliveryId: string;
  rows: RowCounts;
  outputBytes: number;
  errorsBytes: number;
  anomaliesBytes: number;
  /** Lines with an unknown id, or an id that had a line before. */
  anomalies: number;
  /** Rows that would have run again, but for a cancel. */
  notRunAgain?: number;
  /** Digests of the part's ids, as its row table and as its stored lines have them: `IdDigest`. */
  idsIn: string;
  idsOut: string;
}

/** A part that waits for capacity: POLL alone lets it on. */
export interface Waiting {
  for: WaitingFor;
  /** Tells this wait from the part's others. */
  since: number;
  /** Once the API rejected it for the token limit: it is tried again then, though nothing says that there is room. */
  until?: number;
  /** Its place in the queue of its model when it was rejected for the token limit, from 1; absent where that was not known. */
  position?: number;
  /** It was rejected for the token limit though no other batch of its model was open: what is younger need not wait behind it. */
  alone?: true;
}

/** POLL's leave to begin an attempt. */
export interface Admission {
  at: number;
  /** Input tokens by the estimate of then, and the limit they were held against. */
  estimate?: { tokens: number; limit: number };
  /** No other batch of its model was open. */
  alone?: true;
}

/** A batch of the part that ran, and after which other rows of it ran again. */
export interface RanBatch {
  batch: ObservedBatch;
  intent: Intent;
  /** How many rows were sent. */
  rows: number;
  admission?: Admission;
}

/** Rows of one endpoint and model that fit one batch; its row table says where each lies in the request file. */
export interface Part {
  kind: 'part';
  jobId: string;
  planId: string;
  /** From 1. */
  number: number;
  /** How many parts the plan has. */
  parts: number;
  /** When its job came: what waits for capacity is served by it. */
  jobCreatedAt: number;
  version: number;
  request: RequestFileRef;
  /** The user's metadata, for the batch and its events. */
  metadata: Record<string, string>;
  /** From the start of the first row to the end of the last, in bytes of the request file; `end` exclusive. */
  range: { start: number; end: number };
  rows: number;
  /** Exact length of the normalised bytes of all its rows. */
  uploadBytes: number;
  /** Rows of other parts lie within the range: this part's are read one by one, by the row table. */
  interleaved?: true;
  endpoint: string;
  model: string;
  attempt: number;
  intent?: Intent;
  abandoned: AbandonedIntent[];
  /** Batches that ran, before the present attempt, oldest first. */
  ran: RanBatch[];
  /** Of `ran`, and batches that were rejected for the token limit. */
  earlierBatchIds: string[];
  /** What the attempts before left, and how much of the part the present one runs. */
  soFar?: Delivered & { again: { rows: number; uploadBytes: number } };
  batch?: ObservedBatch;
  previousStatus: string | null;
  rev: number;
  publishedRev: number;
  changedAt: number;
  cancelRequestedAt?: number;
  /** When `POST /batches/{id}/cancel` was last answered. */
  cancelSentAt?: number;
  /** Counted failures of the present step. */
  tries: number;
  /** Nothing is sent for this part before this time: backpressure, or a pause between tries. */
  backoffUntil?: number;
  /** A message for the next step is under way: the reconciler does not look before this time. */
  dispatchedUntil?: number;
  /** The batch failed without running for a passing reason: the part is tried again. */
  willRetry?: true;
  /** How often the API put the part back for its token limit. */
  tokenLimitRejections: number;
  waiting?: Waiting;
  /** Of the present attempt. */
  admission?: Admission;
  /** The part ended without a batch; `lost`: with one that the API knows no more. */
  ended?: { as: 'cancelled' | 'failed' | 'lost'; reason: Reason };
  /** Counted failures are used up while an intent stands: a person has to act. */
  stalled?: Reason;
  /** Batches found on this part's files besides its own: cancelled and reported. */
  secondBatchIds: string[];
  /** The last search for batches on abandoned files is done. */
  lateBatchesCancelled?: true;
  delivered?: Delivered;
  /** Files that were uploaded for nothing, as the key was another account's when the batch was to be created. */
  unusedFiles?: FileAtApi[];
  /** Files known to be deleted, while others wait for the key of their account. */
  deletedFiles?: string[];
  /** Deliveries whose pieces may lie in the results bucket. */
  deliveryIds?: string[];
  lease?: Lease;
  /** Milliseconds; absent when nothing is left to do, or the plan is not committed. */
  dueAt?: number;
  /** The plan is committed and this part dispatched. */
  active?: true;
  expiresAt: number;
}

/** Which part of which plan. */
export interface PartRef {
  jobId: string;
  planId: string;
  number: number;
}

/** The intent that stands. Throws when there is none: for steps that come after it. */
export function intentOf({ jobId, number, intent }: Part): Intent {
  if (!intent) throw new Error(`part ${jobId}/${number}: no intent`);
  return intent;
}

/** How many rows the part's present attempt runs, and the exact length of what is uploaded for it. */
export function attemptSize({ soFar, rows, uploadBytes }: Part): { rows: number; uploadBytes: number } {
  return soFar?.again ?? { rows, uploadBytes };
}
