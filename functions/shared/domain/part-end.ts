import { createHash } from 'node:crypto';
import { hasEnded } from '../contract/batch-status.ts';
import type { ObservedBatch, Part, SentIntent, Waiting } from './part.ts';
import { tokenLimitPause } from './timing.ts';

/**
 * How a part ended: as its batch did, or as it did without one. A part whose batch was rejected for the token limit ends as
 * cancelled if a cancel was requested before or after: without it, the part would be tried again.
 */
export function endOfPart(part: Part): string | undefined {
  if (part.cancelRequestedAt !== undefined && part.batch && isTokenLimitRejection(part.batch))
    return 'cancelled';
  return part.ended?.as ?? part.batch?.status;
}

/** True once a part is at its end: nothing of it runs again. */
export function isAtItsEnd({ phase }: Part): boolean {
  return phase === 'ended' || phase === 'delivered';
}

/** The batches of a part that had rows to run, oldest first: each with its usage, which is so counted once. */
export function batchesOf({ ran, batch }: Part): ObservedBatch[] {
  return [...ran.map((earlier) => earlier.batch), ...(batch ? [batch] : [])];
}

/** A batch that is saved or observed, with its intent and its outbox. */
interface BatchState {
  intent: SentIntent;
  batch: ObservedBatch;
  previousStatus: string | null;
  rev: number;
  publishedRev: number;
}

/**
 * Where the batch takes its part: on, to its results, or, rejected for the token limit and not to be cancelled, to the
 * admission queue. `position` is its position in the queue of its model, where that is known.
 */
export function phaseAfter(part: Part, state: BatchState, now: number, position?: number) {
  if (!hasEnded(state.batch.status)) return { phase: 'running', ...state } as const;
  if (!isTokenLimitRejection(state.batch) || part.cancelRequestedAt !== undefined)
    return { phase: 'batch_ended', ...state } as const;
  const tokenLimitRejections = part.tokenLimitRejections + 1;
  const waiting: Waiting = {
    for: 'token_limit',
    since: now,
    until: now + Math.round(tokenLimitPause(tokenLimitRejections, fractionOf(part, tokenLimitRejections))),
    ...(position === undefined ? {} : { position }),
    ...(part.admission?.alone ? { alone: true } : {}),
  };
  return { phase: 'requeued', ...state, tokenLimitRejections, waiting } as const;
}

/** From 0 to 1, spread evenly over parts and their pauses, and always the same for the same pause. */
function fractionOf({ jobId, number }: Part, tokenLimitRejections: number): number {
  const digest = createHash('sha256').update(`${jobId} ${number} ${tokenLimitRejections}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}

/** Failed only for the organisation's limit on enqueued tokens: nothing of it ran, and later it may. */
export function isTokenLimitRejection({ status, errors }: ObservedBatch): boolean {
  return status === 'failed' && errors.length > 0 && errors.every((e) => e.code === 'token_limit_exceeded');
}
