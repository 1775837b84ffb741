import type { ObservedBatch, Part } from './part.ts';
import { tokenLimitPause } from './timing.ts';

/**
 * How a part ended: as its batch did, or as it did without one. A part whose batch was put back is cancelled if that was
 * wished before or after, although its last batch failed: but for the wish it would be tried again.
 */
export function endOfPart(part: Part): string | undefined {
  if (part.cancelRequestedAt !== undefined && part.batch && isPutBack(part.batch)) return 'cancelled';
  return part.ended?.as ?? part.batch?.status;
}

/** The batches of a part that had rows to run, oldest first: each with its usage, which is so counted once. */
export function batchesOf({ ran, batch }: Part): ObservedBatch[] {
  return [...ran.map((earlier) => earlier.batch), ...(batch ? [batch] : [])];
}

/** What a part gets with a batch that was put back: it waits, and is tried again unless it is to be cancelled. */
export function afterPutBack(
  part: Part,
  batch: ObservedBatch,
  now: number,
): Pick<Part, 'willRetry' | 'putBack' | 'waitUntil'> | undefined {
  if (!isPutBack(batch) || part.cancelRequestedAt !== undefined) return undefined;
  const putBack = part.putBack + 1;
  return { willRetry: true, putBack, waitUntil: now + tokenLimitPause(putBack) };
}

/** Failed only for the organisation's limit on enqueued tokens: nothing of it ran, and later it may. */
export function isPutBack({ status, errors }: ObservedBatch): boolean {
  return status === 'failed' && errors.length > 0 && errors.every((e) => e.code === 'token_limit_exceeded');
}
