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
 * The decision to run a part as one batch. It grows by compare-and-set: id → fileId → sendBy (from here on a batch may
 * exist) → the part's batch.
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

/** A part's wait for capacity: POLL alone admits it. */
export interface Waiting {
  for: WaitingFor;
  /** Tells this wait from the part's others. */
  since: number;
  /** After a rejection for the token limit: when it is tried again at the latest, whatever capacity is known. */
  until?: number;
  /** Its position in the queue of its model when it was rejected, from 1; absent where that was not known. */
  position?: number;
  /** It was rejected though no other batch of its model was open: younger parts need not wait behind it. */
  alone?: true;
}

/** POLL's permission to begin an attempt. */
export interface Admission {
  at: number;
  /** Estimated input tokens, and the limit they were compared with. */
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

/** What the plan says of a part: rows of one endpoint and model that fit one batch. It never changes. */
export interface PartPlan {
  kind: 'part';
  jobId: string;
  planId: string;
  /** From 1. */
  number: number;
  /** How many parts the plan has. */
  parts: number;
  /** When its job was created: the admission queue serves the oldest job first. */
  jobCreatedAt: number;
  request: RequestFileRef;
  /** The user's metadata, for the batch and its events. */
  metadata: Record<string, string>;
  /** From the start of the first row to the end of the last, in bytes of the request file; `end` exclusive. */
  range: { start: number; end: number };
  rows: number;
  /** Exact length of the normalised bytes of all its rows. */
  uploadBytes: number;
  /** Rows of other parts lie within the range: the row table says which rows are this part's. */
  interleaved?: true;
  endpoint: string;
  model: string;
}

/** What is kept of a part in any phase. */
interface PartRecord {
  version: number;
  attempt: number;
  abandoned: AbandonedIntent[];
  /** Batches that ran before the present attempt, oldest first. */
  ran: RanBatch[];
  /** Those of `ran`, and batches that the API rejected for the token limit. */
  earlierBatchIds: string[];
  /** What the attempts before left, and how much of the part the present one runs. */
  earlierResults?: Delivered & { again: { rows: number; uploadBytes: number } };
  changedAt: number;
  cancelRequestedAt?: number;
  /** Counted failures of the present step. */
  tries: number;
  /** Nothing is sent for this part before this time: a pause between tries, or one that the API asked for. */
  backoffUntil?: number;
  /** A message for the next step was sent: the reconciler sends no other before this time. */
  dispatchedUntil?: number;
  /** How often the API rejected a batch of the part for the token limit. */
  tokenLimitRejections: number;
  /** Of the present attempt. */
  admission?: Admission;
  /** All counted tries failed while a batch may exist: a person has to act. */
  stalled?: Reason;
  /** Batches found on this part's files besides its own: cancelled and reported. */
  secondBatchIds: string[];
  /** The last search for batches on abandoned files is done. */
  lateBatchesCancelled?: true;
  /** Files uploaded for nothing: the key had changed to another account's before the batch was created. */
  unusedFiles?: FileAtApi[];
  /** Files known to be deleted, while others wait for the key of their account. */
  deletedFiles?: string[];
  /** Deliveries whose pieces may lie in the results bucket. */
  deliveryIds?: string[];
  lease?: Lease;
  /** Milliseconds; absent when nothing is left to do, or the plan is not committed. */
  dueAt?: number;
  expiresAt: number;
}

interface NoBatch {
  batch?: never;
  previousStatus: null;
  rev: 0;
  publishedRev: 0;
  cancelSentAt?: never;
}

interface NoAttempt extends NoBatch {
  intent?: never;
}

interface NotEnded {
  ended?: never;
  delivered?: never;
}

interface NotWaiting {
  waiting?: never;
}

/** A batch, and its outbox: a change is applied only once the one before is published (`publishedRev` = `rev`). */
interface WithBatch {
  intent: SentIntent;
  batch: ObservedBatch;
  previousStatus: string | null;
  rev: number;
  publishedRev: number;
  /** When `POST /batches/{id}/cancel` was last answered. */
  cancelSentAt?: number;
}

/** A batch and its outbox, if the part ever had one. */
interface MayHaveBatch {
  intent?: Intent;
  batch?: ObservedBatch;
  previousStatus: string | null;
  rev: number;
  publishedRev: number;
  cancelSentAt?: number;
}

/** An intent whose rows are a file at the API. */
export type UploadedIntent = Intent & { fileId: string };

/** An intent whose `POST /batches` may have left. */
export type SentIntent = UploadedIntent & { sendBy: number };

/**
 * Where a part stands, and what it has there. Next steps, the `due` index and the cancel follow from it alone.
 *
 *   planned      written by INTAKE; nobody works on it before the plan is committed
 *   waiting      waits for admission; it was never sent in this attempt
 *   ready        may begin
 *   uploading    has an intent
 *   uploaded     its rows are a file at the API
 *   creating     POST /batches may have left; no batch is known
 *   running      its batch is open
 *   requeued     the API rejected its batch for the token limit; it waits for admission
 *   retrying     the same, and it is admitted again
 *   batch_ended  its batch ended; results are to be delivered
 *   ended        it ended without a batch, or with one that the API no longer knows
 *   delivered    its results are stored
 */
export type PartPhase =
  | ({ phase: 'planned'; waiting?: Waiting } & NoAttempt & NotEnded)
  | ({ phase: 'waiting'; waiting: Waiting } & NoAttempt & NotEnded)
  | ({ phase: 'ready' } & NoAttempt & NotEnded & NotWaiting)
  | ({ phase: 'uploading'; intent: Intent } & NoBatch & NotEnded & NotWaiting)
  | ({ phase: 'uploaded'; intent: UploadedIntent } & NoBatch & NotEnded & NotWaiting)
  | ({ phase: 'creating'; intent: SentIntent } & NoBatch & NotEnded & NotWaiting)
  | ({ phase: 'running' } & WithBatch & NotEnded & NotWaiting)
  | ({ phase: 'requeued'; waiting: Waiting } & WithBatch & NotEnded)
  | ({ phase: 'retrying' } & WithBatch & NotEnded & NotWaiting)
  | ({ phase: 'batch_ended' } & WithBatch & NotEnded & NotWaiting)
  | ({ phase: 'ended'; ended: PartEnd; delivered?: never } & MayHaveBatch & NotWaiting)
  | ({ phase: 'delivered'; ended?: never; delivered: Delivered } & WithBatch & NotWaiting)
  | ({ phase: 'delivered'; ended: PartEnd; delivered: Delivered } & MayHaveBatch & NotWaiting);

/** How a part ended without results; `lost`: with a batch that the API no longer knows. */
export interface PartEnd {
  as: 'cancelled' | 'failed' | 'lost';
  reason: Reason;
}

/** Rows of one endpoint and model that fit one batch; its row table says where each lies in the request file. */
export type Part = PartPlan & PartRecord & PartPhase;

/** A part in one of these phases. */
export type PartIn<Phase extends Part['phase']> = Extract<Part, { phase: Phase }>;

/** Which part of which plan. */
export interface PartRef {
  jobId: string;
  planId: string;
  number: number;
}

/** How many rows the part's present attempt runs, and the exact length of what is uploaded for it. */
export function attemptSize({ earlierResults, rows, uploadBytes }: Part): {
  rows: number;
  uploadBytes: number;
} {
  return earlierResults?.again ?? { rows, uploadBytes };
}
