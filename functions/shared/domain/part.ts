import type {
  BatchError,
  Reason,
  RequestCounts,
  RequestFileRef,
  TokenUsage,
  WaitingFor,
} from '../contract/events.ts';
import type { Lease } from './lease.ts';
import type { RowsToRun } from './money/measured-rows.ts';
import { boundsOfSome, type OutputBounds } from './money/output-bounds.ts';
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
 * A batch as the API reported it. Times are in milliseconds. Fields are absent if the API omitted them or set an
 * unusable value.
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
  /** At most the first 20. `errorCount` counts all. */
  errors: BatchError[];
  errorCount: number;
  metadata: Record<string, string>;
}

/** A batch of a part. A field that the API omits has the value that was sent (`known-batch.ts`). */
export type KnownBatch = ObservedBatch & { endpoint: string; inputFileId: string; createdAt: number };

/**
 * A part's wait for capacity, or for a temporary refusal that concerns the whole account. Only POLL admits the part.
 */
export interface Waiting {
  for: WaitingFor;
  /** When the wait began, in milliseconds. This time identifies the wait. */
  since: number;
  /**
   * After a rejection for the token limit: the end of its backoff, in milliseconds. The part is then tried even if no
   * capacity is known.
   */
  until?: number;
  /** Its position in its model's queue when it was rejected, from 1. Absent if not known. */
  position?: number;
  /** It was rejected while no other batch of its model was open, so later parts need not wait for it. */
  alone?: true;
  /** After a refusal: what was refused. */
  refused?: Refused;
}

/** A temporary refusal. */
export interface Refused {
  /** When the refused call or batch was sent, in milliseconds. */
  sentAt: number;
  /** The call that was refused. Absent if the API accepted the call and refused the batch later. */
  operation?: Operation;
  /** The exact length of the rows that were sent, in bytes. */
  uploadBytes: number;
  /** How many times the part had been rejected for the token limit, this one included. */
  nth?: number;
  /** The enqueued limit that the refusal states. */
  limit?: NamedLimit;
  /** The vendor's message, at most 500 characters. */
  said?: string;
}

/** POLL's permission for the part to begin an attempt. */
export interface Admission {
  at: number;
  /** The estimated input tokens, and the limit that they were compared with. */
  estimate?: { tokens: number; limit: number };
  /** No other batch of its model was open. */
  alone?: true;
  /** This part is a probe: an open breaker lets it pass, to find out whether the API still refuses. */
  probe?: true;
  /** The part exceeds the limit. The attempt sends at most this much; the other rows follow in later attempts. */
  atMost?: { uploadBytes: number; rows?: number };
}

/** The remaining rows of a part that the current attempt sends: those before `end`. */
export interface Slice {
  /** An index in the row table, exclusive. */
  end: number;
  rows: number;
  /** The exact length of these rows, in bytes. */
  uploadBytes: number;
}

/** A batch of an earlier attempt. Some rows of the part ran again after it. */
export interface RanBatch {
  batch: KnownBatch;
  intent: Intent;
  /** How many rows were sent. */
  rows: number;
  admission?: Admission;
}

/** The fields of a part that its plan sets: rows of one endpoint and model that fit one batch. They never change. */
export interface PartPlan {
  kind: 'part';
  jobId: string;
  planId: string;
  /** From 1. */
  number: number;
  /** The number of parts in the plan. */
  parts: number;
  /** When its job was created. POLL admits the oldest job first. */
  jobCreatedAt: number;
  request: RequestFileRef;
  /** The user's metadata, for the batch and its events. */
  metadata: Record<string, string>;
  /** From the start of the first row to the end of the last, in bytes of the request file. `end` is exclusive. */
  range: { start: number; end: number };
  rows: number;
  /** The exact length of all its rows after normalisation, in bytes. */
  uploadBytes: number;
  /** The most output tokens of all its rows. Absent before 0.2: nothing is known of them. */
  output?: OutputBounds;
  /** The range also contains rows of other parts. The row table lists the rows of this part. */
  interleaved?: true;
  endpoint: string;
  model: string;
  /** Whose share of the capacity it takes. Absent when its file was planned without shares. */
  share?: ShareOfPart;
  /** Which group's budget pays for it. Absent: the common one, or its file was planned without groups. */
  group?: string;
}

/** The fields of a part in any phase. */
interface PartRecord {
  version: number;
  attempt: number;
  abandoned: AbandonedIntent[];
  /** Intents whose create was sent and that another intent has replaced, oldest first. */
  replacedIntents?: ReplacedIntent[];
  /** How many pages of earlier attempts it has (`past-attempts.ts`). Absent: none. */
  pastPages?: number;
  /** Batches that ran before the current attempt, oldest first, without those on a page. */
  ran: RanBatch[];
  /** The batches in `ran`, and those that the API rejected for the token limit. */
  earlierBatchIds: string[];
  /** The results of the earlier attempts, and the size of what the current attempt runs again. */
  earlierResults?: Delivered & { again: { rows: number; uploadBytes: number } };
  /** The current attempt sends only these rows; the others follow. Absent: it sends all remaining rows. */
  slice?: Slice;
  changedAt: number;
  cancelRequestedAt?: number;
  /** When somebody approved its job, in milliseconds. */
  approvedAt?: number;
  /** What the current step waits for. The next success removes it. */
  obstacle?: MetObstacle;
  /** How many times the file was uploaded again because the API had lost the previous one. */
  lostUploads?: number;
  /** Counted failures of the current step. */
  tries: number;
  /** The message of the last counted failure, at most 300 characters. */
  lastFailure?: string;
  /** Nothing is sent for this part before this time: a backoff between tries, or a pause that the API asked for. */
  backoffUntil?: number;
  /** A message for the next step was sent. POLL sends no other one before this time. */
  dispatchedUntil?: number;
  /** How often the API rejected a batch of the part for the token limit. */
  tokenLimitRejections: number;
  /** The admission of the current attempt. */
  admission?: Admission;
  /** All tries failed while a batch may exist: a person has to act. */
  stalled?: Reason;
  /** Other batches found for this part's intents or files. They are cancelled and reported. */
  secondBatchIds: string[];
  /** The second batches that may not have ended. Each is cancelled until its end is known. */
  openSecondBatches?: OpenSecondBatch[];
  /** Only the response to the create request has shown the batch. No other call has confirmed it. */
  unconfirmed?: true;
  /**
   * When a webhook reported the end of the batch, in milliseconds. The API does not show the end yet, so each tick
   * observes the batch.
   */
  toldAt?: number;
  /** The batch that the part had before its search resumed. */
  unseen?: UnseenBatch;
  /** How many times a person released the part. Each release allows one more unresolved create. */
  releases?: number;
  /** When an operator last released the part, in milliseconds. Its next try decides what it then waits for. */
  releasedAt?: number;
  /** Files without a batch, because the key changed to another account before the batch was created. */
  unusedFiles?: FileAtApi[];
  /** Files known to be deleted. Other files wait for the key of their account. */
  deletedFiles?: string[];
  /** Set if the results of the current attempt do not agree yet. */
  resultsWait?: ResultsWait;
  /** Result files of any attempt that never agreed. They remain at the API. */
  doubtfulFiles?: DoubtfulFile[];
  /** Deliveries of the current attempt that may have written pieces to the results bucket. */
  deliveryIds?: string[];
  /** How many delivery messages were sent. A small delivery is recorded only when it ends. */
  deliveryMessages?: number;
  /** Two deliveries of one earlier attempt may have written. */
  deliverySuperseded?: true;
  lease?: Lease;
  /**
   * When POLL must handle the part, in milliseconds. Absent when nothing remains to do, or before the plan is
   * committed.
   */
  dueAt?: number;
  /** The expiry time of its job. Absent until the job has ended and is cleaned up. */
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

/** Why a person has to act, and what the person asked for. */
interface Stalled {
  stalled: Reason;
  /** The event has been published. */
  stallPublished?: true;
  /** A person found this batch, and the part is to adopt it. */
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

/** A batch and its outbox, if the part has ever had a batch. */
interface MayHaveBatch {
  intent?: Intent;
  batch?: KnownBatch;
  previousStatus: string | null;
  rev: number;
  publishedRev: number;
  cancelSentAt?: number;
}

/**
 * The phase of a part, and the fields that the part has in it. The phase decides the next step, the entry in the `due`
 * index and the effect of a cancel.
 *
 *   planned      INTAKE wrote it; no function handles it before the plan is committed
 *   waiting      it waits for admission. This attempt has no batch yet, but it may have an uploaded file
 *   ready        it may begin
 *   uploading    it has an intent
 *   uploaded     its rows are uploaded as a file
 *   creating     POST /batches may have been sent, but no batch is known
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

/** Returns the number of rows in the part's current attempt, and the exact length of their upload in bytes. */
export function attemptSize(part: Part): { rows: number; uploadBytes: number } {
  return part.slice ?? sizeLeft(part);
}

/** Returns the rows of the part's present attempt, as an estimate needs them. */
export function rowsOfAttempt(part: Part): RowsToRun {
  const output = attemptBounds(part);
  return { model: part.model, ...attemptSize(part), ...(output && { output }) };
}

/** Returns the most output tokens of the part's present attempt; undefined if nothing is known of them. */
export function attemptBounds(part: Part): OutputBounds | undefined {
  return part.output && boundsOfSome(part.output, attemptSize(part).rows);
}

/** Returns the number of rows that the part still has to run, in one attempt or several, and their length in bytes. */
export function sizeLeft({ earlierResults, rows, uploadBytes }: Part): { rows: number; uploadBytes: number } {
  return earlierResults?.again ?? { rows, uploadBytes };
}
