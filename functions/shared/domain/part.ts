import type {
  BatchError,
  Reason,
  RequestCounts,
  RequestFileRef,
  TokenUsage,
  WaitingFor,
} from '../contract/events.ts';
import type { Lease } from './lease.ts';
import type { Delivered, DoubtfulFile, ResultsWait } from './part-results.ts';
import type {
  AbandonedIntent,
  FileAtApi,
  Intent,
  OpenSecondBatch,
  ReplacedIntent,
  SentIntent,
  UnseenBatch,
  UploadedIntent,
} from './spending/intents.ts';
import type { NamedLimit } from './waiting/enqueued-limit.ts';
import type { MetObstacle, Operation } from './waiting/obstacle.ts';
import type { ShareOfPart } from './waiting/shares.ts';

/**
 * A batch as the API reported it. Times are in milliseconds; fields that the API did not set, or set to something
 * unusable, are absent.
 */
export interface ObservedBatch {
  batchId: string;
  /** In lower case; `validating` if the API named none. */
  status: string;
  endpoint?: string;
  /** May differ from the file that was sent: gateways rewrite files. */
  inputFileId?: string;
  outputFileId?: string;
  errorFileId?: string;
  createdAt?: number;
  expiresAt?: number;
  endedAt?: number;
  counts?: RequestCounts;
  usage?: TokenUsage;
  /** At most the first 20; `errorCount` counts all. */
  errors: BatchError[];
  errorCount: number;
  metadata: Record<string, string>;
}

/** A batch of a part: what the API did not say of it is what was sent (`known-batch.ts`). */
export type KnownBatch = ObservedBatch & { endpoint: string; inputFileId: string; createdAt: number };

/** A part's wait for capacity, or for what the API refuses to everybody at present. Only POLL admits it. */
export interface Waiting {
  for: WaitingFor;
  /** When the wait began, in milliseconds; it identifies the wait. */
  since: number;
  /**
   * After a rejection for the token limit: the end of its backoff, in milliseconds. It is then tried without known
   * capacity.
   */
  until?: number;
  /** Its position in the queue of its model when it was rejected, from 1; absent if that was not known. */
  position?: number;
  /** It was rejected while no other batch of its model was open: later parts need not wait for it. */
  alone?: true;
  /** After a refusal: what was refused. */
  refused?: Refused;
}

/** A refusal that passes. */
export interface Refused {
  /** When the refused call or batch was sent, in milliseconds. */
  sentAt: number;
  /** The call that was refused; absent when the API refused the batch later. */
  operation?: Operation;
  /** The exact length of the rows that were sent, in bytes. */
  uploadBytes: number;
  /** How often the part was rejected for the token limit by then. */
  nth?: number;
  /** The enqueued limit that the refusal names. */
  limit?: NamedLimit;
  /** The vendor's own words, at most 500 characters. */
  said?: string;
}

/** POLL's permission for the part to begin an attempt. */
export interface Admission {
  at: number;
  /** The estimated input tokens, and the limit they were compared with. */
  estimate?: { tokens: number; limit: number };
  /** No other batch of its model was open. */
  alone?: true;
  /** It finds out whether the API still refuses everybody: an open breaker lets it pass. */
  probe?: true;
  /** The part exceeds the limit: the attempt sends at most so much, the rest follows in later attempts. */
  atMost?: { uploadBytes: number; rows?: number };
}

/** The rows of a part that the present attempt sends, of those that are left: the ones before `end`. */
export interface Slice {
  /** An index in the row table, exclusive. */
  end: number;
  rows: number;
  /** The exact length of these rows, in bytes. */
  uploadBytes: number;
}

/** A batch of an earlier attempt, after which some rows of the part ran again. */
export interface RanBatch {
  batch: KnownBatch;
  intent: Intent;
  /** How many rows were sent. */
  rows: number;
  admission?: Admission;
}

/** The planned fields of a part: rows of one endpoint and model that fit one batch. They never change. */
export interface PartPlan {
  kind: 'part';
  jobId: string;
  planId: string;
  /** From 1. */
  number: number;
  /** The number of parts in the plan. */
  parts: number;
  /** When its job was created: the admission queue admits the oldest job first. */
  jobCreatedAt: number;
  request: RequestFileRef;
  /** The user's metadata, for the batch and its events. */
  metadata: Record<string, string>;
  /** From the start of the first row to the end of the last, in bytes of the request file; `end` exclusive. */
  range: { start: number; end: number };
  rows: number;
  /** The exact length of the normalised bytes of all its rows. */
  uploadBytes: number;
  /** Rows of other parts lie within the range; the row table lists the rows of this part. */
  interleaved?: true;
  endpoint: string;
  model: string;
  /** Whose share of the capacity it takes. Absent when its file was planned without shares. */
  share?: ShareOfPart;
}

/** The fields of a part in any phase. */
interface PartRecord {
  version: number;
  attempt: number;
  abandoned: AbandonedIntent[];
  /** Other intents whose create was sent, and that the part no longer has, oldest first. */
  replacedIntents?: ReplacedIntent[];
  /** How many pages of earlier attempts it has (`past-attempts.ts`); absent: none. */
  pastPages?: number;
  /** Batches that ran before the present attempt, oldest first, without those on a page. */
  ran: RanBatch[];
  /** The batches in `ran`, and those that the API rejected for the token limit. */
  earlierBatchIds: string[];
  /** The results of the earlier attempts, and what the present attempt runs again. */
  earlierResults?: Delivered & { again: { rows: number; uploadBytes: number } };
  /** The present attempt sends only these rows; the others follow. Absent: all that are left. */
  slice?: Slice;
  changedAt: number;
  cancelRequestedAt?: number;
  /** What the present step waits for; the next success removes it. */
  obstacle?: MetObstacle;
  /** How often a file was uploaded again because the API had lost the one before. */
  lostUploads?: number;
  /** Counted failures of the present step. */
  tries: number;
  /** What the last counted failure said, at most 300 characters. */
  lastFailure?: string;
  /** Nothing is sent for this part before this time: a backoff between tries, or one that the API asked for. */
  backoffUntil?: number;
  /** A message for the next step was sent: the reconciler sends no other one before this time. */
  dispatchedUntil?: number;
  /** How often the API rejected a batch of the part for the token limit. */
  tokenLimitRejections: number;
  /** Of the present attempt. */
  admission?: Admission;
  /** All tries failed while a batch may exist: a person has to act. */
  stalled?: Reason;
  /** Other batches found on this part's intents or files: cancelled and reported. */
  secondBatchIds: string[];
  /** Those of them that are not known to have ended: each is cancelled until it is. */
  openSecondBatches?: OpenSecondBatch[];
  /** Only the answer to the create has shown the batch: no other call has confirmed it. */
  unconfirmed?: true;
  /**
   * When a webhook told the batch's end, in milliseconds, although the API did not show it yet: each tick observes the
   * batch.
   */
  toldAt?: number;
  /** The batch before the search resumed. */
  unseen?: UnseenBatch;
  /** How often a person released the part: each release allows one more unresolved create. */
  releases?: number;
  /** When an operator last released the part, in milliseconds: what it waits for is decided at the next try. */
  releasedAt?: number;
  /** Files without a batch: the key changed to another account's before the batch was created. */
  unusedFiles?: FileAtApi[];
  /** Files known to be deleted; others wait for the key of their account. */
  deletedFiles?: string[];
  /** Of the present attempt: its results do not agree yet. */
  resultsWait?: ResultsWait;
  /** Result files of any attempt that did not agree in the end: they remain at the API. */
  doubtfulFiles?: DoubtfulFile[];
  /** Deliveries of the present attempt that may have written pieces to the results bucket. */
  deliveryIds?: string[];
  /** How many messages for them were sent; a small delivery is recorded only when it ends. */
  deliveryMessages?: number;
  /** Of an earlier attempt, two deliveries may have written. */
  deliverySuperseded?: true;
  lease?: Lease;
  /**
   * When the reconciler has to serve the part, in milliseconds; absent when nothing remains to do, or no plan is
   * committed.
   */
  dueAt?: number;
  /** As that of its job; absent until the job has ended and is cleaned up. */
  expiresAt?: number;
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

/** Why a person has to act, and what they asked for. */
interface Stalled {
  stalled: Reason;
  /** The event is published. */
  stallPublished?: true;
  /** Adopt this batch, which a person found. */
  adopt?: { batchId: string };
}

/**
 * A batch and its outbox. The next status change is applied only when the one before is published (`publishedRev` =
 * `rev`).
 */
interface WithBatch {
  intent: SentIntent;
  batch: KnownBatch;
  previousStatus: string | null;
  rev: number;
  publishedRev: number;
  /** When the API last responded to `POST /batches/{id}/cancel`. */
  cancelSentAt?: number;
}

/** A batch and its outbox, if the part ever had one. */
interface MayHaveBatch {
  intent?: Intent;
  batch?: KnownBatch;
  previousStatus: string | null;
  rev: number;
  publishedRev: number;
  cancelSentAt?: number;
}

/**
 * The phase of a part, and the fields it has in that phase. Next steps, the `due` index and the handling of a cancel
 * depend on it.
 *
 *   planned      INTAKE wrote it; no function works on it before the plan is committed
 *   waiting      it waits for admission; there is no batch of this attempt, but there may be an uploaded file
 *   ready        it may begin
 *   uploading    it has an intent
 *   uploaded     its rows are uploaded as a file
 *   creating     POST /batches may have been sent; no batch is known
 *   stalled      nothing more is sent before a person releases it: for example, two creates are unresolved
 *   running      its batch is open
 *   requeued     the API rejected its batch for the token limit; it waits for admission
 *   retrying     the API rejected its batch for the token limit; it is admitted again
 *   batch_ended  its batch ended; the results are not delivered yet
 *   ended        it ended without a batch, or the API no longer knows its batch
 *   delivered    its results are stored
 */
export type PartPhase =
  | ({ phase: 'planned'; waiting?: Waiting } & NoAttempt & NotEnded)
  | ({ phase: 'waiting'; waiting: Waiting; intent?: UploadedIntent } & NoBatch & NotEnded)
  | ({ phase: 'ready' } & NoAttempt & NotEnded & NotWaiting)
  | ({ phase: 'uploading'; intent: Intent } & NoBatch & NotEnded & NotWaiting)
  | ({ phase: 'uploaded'; intent: UploadedIntent } & NoBatch & NotEnded & NotWaiting)
  | ({ phase: 'creating'; intent: SentIntent } & NoBatch & NotEnded & NotWaiting)
  | ({ phase: 'stalled' } & Stalled & NoAttempt & NotEnded & NotWaiting)
  | ({ phase: 'running' } & WithBatch & NotEnded & NotWaiting)
  | ({ phase: 'requeued'; waiting: Waiting } & WithBatch & NotEnded)
  | ({ phase: 'retrying' } & WithBatch & NotEnded & NotWaiting)
  | ({ phase: 'batch_ended' } & WithBatch & NotEnded & NotWaiting)
  | ({ phase: 'ended'; ended: PartEnd; delivered?: never } & MayHaveBatch & NotWaiting)
  | ({ phase: 'delivered'; ended?: never; delivered: Delivered } & WithBatch & NotWaiting)
  | ({ phase: 'delivered'; ended: PartEnd; delivered: Delivered } & MayHaveBatch & NotWaiting);

/** How a part ended without results. `lost`: the API no longer knows its batch. */
export interface PartEnd {
  as: 'cancelled' | 'failed' | 'lost';
  reason: Reason;
}

/** Rows of one endpoint and model that fit one batch. */
export type Part = PartPlan & PartRecord & PartPhase;

/** A part in one of these phases. */
export type PartIn<Phase extends Part['phase']> = Extract<Part, { phase: Phase }>;

/** Identifies a part. */
export interface PartRef {
  jobId: string;
  planId: string;
  number: number;
}

/** Returns the number of rows in the part's present attempt, and the exact length of their upload in bytes. */
export function attemptSize(part: Part): { rows: number; uploadBytes: number } {
  return part.slice ?? sizeLeft(part);
}

/** Returns the number of rows that the part has still to run, in one attempt or several, and their length in bytes. */
export function sizeLeft({ earlierResults, rows, uploadBytes }: Part): { rows: number; uploadBytes: number } {
  return earlierResults?.again ?? { rows, uploadBytes };
}
