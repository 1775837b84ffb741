import { createHash } from 'node:crypto';
import { hasEnded } from '../contract/batch-status.ts';
import type { KnownBatch, ObservedBatch, Part, SentIntent, Waiting } from './part.ts';
import { tokenLimitBackoff } from './timing.ts';

/**
 * Returns how a part ended: its own end, or else the status of its batch. A part whose batch was rejected for the token
 * limit ends as cancelled when a cancel was requested, since it would have run later without the cancel.
 */
export function endOfPart(part: Part): string | undefined {
  if (part.cancelRequestedAt !== undefined && part.batch && isTokenLimitRejection(part.batch))
    return 'cancelled';
  return part.ended?.as ?? part.batch?.status;
}

/** Returns whether the part has ended: none of its rows runs again. */
export function isAtItsEnd({ phase }: Part): boolean {
  return phase === 'ended' || phase === 'delivered';
}

/**
 * Returns the part's batches that were not replaced for the token limit, oldest first, so that each usage counts once.
 */
export function batchesOf({ ran, batch }: Part): KnownBatch[] {
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
 * Returns the part's phase for a saved or observed batch: running, ended, or, if it was rejected for the token limit
 * and no cancel was requested, requeued. `position`: the part's position in the queue of its model, if known.
 */
export function phaseAfter(part: Part, state: BatchState, now: number, position?: number) {
  if (!hasEnded(state.batch.status)) return { phase: 'running', ...state } as const;
  if (!isTokenLimitRejection(state.batch) || part.cancelRequestedAt !== undefined)
    return { phase: 'batch_ended', ...state } as const;
  const tokenLimitRejections = part.tokenLimitRejections + 1;
  const waiting: Waiting = {
    for: 'token_limit',
    since: now,
    until: now + Math.round(tokenLimitBackoff(tokenLimitRejections, fractionOf(part, tokenLimitRejections))),
    ...(position === undefined ? {} : { position }),
    ...(part.admission?.alone ? { alone: true } : {}),
  };
  return { phase: 'requeued', ...state, tokenLimitRejections, waiting } as const;
}

/**
 * Returns a number from 0 to 1, evenly distributed over parts and rejections, and always the same for the same ones.
 */
function fractionOf({ jobId, number }: Part, tokenLimitRejections: number): number {
  const digest = createHash('sha256').update(`${jobId} ${number} ${tokenLimitRejections}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}

/**
 * Returns whether the batch failed only for the limit on enqueued tokens: none of its rows ran, and a later try may
 * succeed.
 */
export function isTokenLimitRejection({ status, errors }: Pick<ObservedBatch, 'status' | 'errors'>): boolean {
  return status === 'failed' && errors.length > 0 && errors.every((e) => e.code === 'token_limit_exceeded');
}
