import { createHash } from 'node:crypto';
import type { ObservedBatch, Part, Waiting } from './part.ts';
import { tokenLimitPause } from './timing.ts';

/**
 * How a part ended: as its batch did, or as it did without one. A part whose batch was rejected for the token limit is cancelled if that was
 * wished before or after, although its last batch failed: but for the wish it would be tried again.
 */
export function endOfPart(part: Part): string | undefined {
  if (part.cancelRequestedAt !== undefined && part.batch && isTokenLimitRejection(part.batch))
    return 'cancelled';
  return part.ended?.as ?? part.batch?.status;
}

/** The batches of a part that had rows to run, oldest first: each with its usage, which is so counted once. */
export function batchesOf({ ran, batch }: Part): ObservedBatch[] {
  return [...ran.map((earlier) => earlier.batch), ...(batch ? [batch] : [])];
}

/**
 * What a part gets with a batch that was rejected for the token limit: it waits for capacity, unless it is to be cancelled. `position` is its
 * place in the queue of its model, where that is known.
 */
export function afterTokenLimitRejection(
  part: Part,
  batch: ObservedBatch,
  now: number,
  position?: number,
): Pick<Part, 'willRetry' | 'tokenLimitRejections' | 'waiting'> | undefined {
  if (!isTokenLimitRejection(batch) || part.cancelRequestedAt !== undefined) return undefined;
  const tokenLimitRejections = part.tokenLimitRejections + 1;
  const waiting: Waiting = {
    for: 'token_limit',
    since: now,
    until: now + Math.round(tokenLimitPause(tokenLimitRejections, fractionOf(part, tokenLimitRejections))),
    ...(position === undefined ? {} : { position }),
    ...(part.admission?.alone ? { alone: true } : {}),
  };
  return { willRetry: true, tokenLimitRejections, waiting };
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
