import { createHash } from 'node:crypto';
import { hasEnded } from '../contract/batch-status.ts';
import {
  attemptSize,
  type KnownBatch,
  type ObservedBatch,
  type Part,
  type PartIn,
  type Refused,
  type Waiting,
} from './part.ts';
import type { SentIntent } from './spending/intents.ts';
import type { WholePart } from './spending/past-attempts.ts';
import { tokenLimitBackoff } from './timing.ts';
import { type MetObstacle, obstacleBackoff } from './waiting/obstacle.ts';
import { passingRefusalOf } from './waiting/passing-refusal.ts';
import { without, withoutBackoff } from './without.ts';

/**
 * Returns how a part ended: its own end, or the status of its batch. If the API refused the batch for now and a cancel
 * was requested, the part ended as cancelled, because only the cancel kept it from running later.
 */
export function endOfPart(part: Part): string | undefined {
  if (part.cancelRequestedAt !== undefined && part.batch && passingRefusalOf(part.batch)) return 'cancelled';
  return part.ended?.as ?? part.batch?.status;
}

/** Returns whether the part has ended, so that none of its rows runs again. */
export function isAtItsEnd({ phase }: Part): boolean {
  return phase === 'ended' || phase === 'delivered';
}

/**
 * Returns the part with the cancel request; undefined if the part has ended or already has one. The request ends a
 * backoff, so that an earlier failure does not delay the cancel.
 */
export function withCancelRequest(part: Part, now: number): Part | undefined {
  if (isAtItsEnd(part) || part.cancelRequestedAt !== undefined) return undefined;
  return { ...without(part, 'backoffUntil'), cancelRequestedAt: now };
}

/**
 * Returns the part's batches without those that were refused and replaced, oldest first. Each usage then counts once.
 */
export function batchesOf({ ran, batch }: WholePart): KnownBatch[] {
  return [...ran.map((earlier) => earlier.batch), ...(batch ? [batch] : [])];
}

/** A batch with its intent and its outbox. */
interface BatchState {
  intent: SentIntent;
  batch: KnownBatch;
  previousStatus: string | null;
  rev: number;
  publishedRev: number;
}

/**
 * Returns the part's phase for a saved or observed batch: running, ended, or, if it was refused for now and no cancel
 * was requested, requeued. `position`: the part's position in the queue of its model, if known.
 */
export function phaseAfter(part: Part, state: BatchState, now: number, position?: number) {
  if (!hasEnded(state.batch.status)) return { phase: 'running', ...state } as const;
  const refusal = passingRefusalOf(state.batch);
  if (!refusal || part.cancelRequestedAt !== undefined) return { phase: 'batch_ended', ...state } as const;
  const { limit, said } = refusal;
  const wait = waitAfterRefusal(
    part,
    refusal.for,
    { sentAt: state.batch.createdAt, ...(limit ? { limit } : {}), ...(said === undefined ? {} : { said }) },
    now,
  );
  const waiting = { ...wait.waiting, ...(position === undefined ? {} : { position }) };
  return { phase: 'requeued', ...state, ...wait, waiting } as const;
}

/** The refused call, without its size. */
type RefusedCall = Omit<Refused, 'uploadBytes' | 'nth'>;

/** Returns the part as it waits after the API refused an upload or a create. It keeps its uploaded file, if any. */
export function waitingAfterRefusal(
  part: PartIn<'uploading' | 'creating'>,
  reason: RefusedFor,
  refused: RefusedCall,
  now: number,
): Part {
  const { waiting, ...fields } = waitAfterRefusal(part, reason, refused, now);
  return { ...waitingPart(part, waiting), ...fields };
}

type RefusedFor = 'token_limit' | 'account' | 'storage';

function waitAfterRefusal(part: Part, reason: RefusedFor, refused: RefusedCall, now: number) {
  const tokenLimitRejections = part.tokenLimitRejections + (reason === 'token_limit' ? 1 : 0);
  const obstacle: MetObstacle = {
    for: reason,
    since: part.obstacle?.for === reason ? part.obstacle.since : now,
    ...(refused.said === undefined ? {} : { said: refused.said }),
  };
  const backoff =
    reason === 'token_limit'
      ? Math.round(tokenLimitBackoff(tokenLimitRejections, fractionOf(part, tokenLimitRejections)))
      : obstacleBackoff(obstacle, now);
  const waiting: Waiting = {
    for: reason,
    since: now,
    until: now + backoff,
    ...(part.admission?.alone ? { alone: true } : {}),
    refused: { ...refused, uploadBytes: attemptSize(part).uploadBytes, nth: tokenLimitRejections },
  };
  return { tokenLimitRejections, obstacle, waiting };
}

/**
 * Returns the part as it waits for admission. It keeps its uploaded file, if any. A create that was sent counts as
 * refused, so the list is searched before the next one.
 */
export function waitingPart(
  part: PartIn<'ready' | 'uploading' | 'uploaded' | 'creating'>,
  waiting: Waiting,
): Part {
  const rest = { ...without(withoutBackoff(part), 'intent', 'admission'), waiting };
  if (part.phase === 'uploaded') return { ...rest, phase: 'waiting', intent: part.intent };
  if (part.phase !== 'creating') return { ...rest, phase: 'waiting' };
  return { ...rest, phase: 'waiting', intent: { ...part.intent, refused: true, refusedAt: waiting.since } };
}

/**
 * Returns a number from 0 to 1 that is evenly distributed over parts and rejections, and always the same for the same
 * one.
 */
function fractionOf({ jobId, number }: Part, tokenLimitRejections: number): number {
  const digest = createHash('sha256').update(`${jobId} ${number} ${tokenLimitRejections}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}

/** Returns whether the API refused the batch for the limit on enqueued tokens or requests: none of its rows ran. */
export function isTokenLimitRejection(batch: ObservedBatch): boolean {
  return passingRefusalOf(batch)?.for === 'token_limit';
}
