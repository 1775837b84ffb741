import type { ObservedBatch, Part } from './part.ts';

/**
 * How a part ended: as its batch did, or as it did without one. A part whose batch was put back is cancelled if that was
 * wished before or after, although its last batch failed: but for the wish it would be tried again.
 */
export function endOfPart(part: Part): string | undefined {
  if (part.cancelRequestedAt !== undefined && part.batch && isPutBack(part.batch)) return 'cancelled';
  return part.batch?.status ?? part.ended?.as;
}

/** The batches of a part that had rows to run, oldest first: each with its usage, which is so counted once. */
export function batchesOf({ ran, batch }: Part): ObservedBatch[] {
  return [...ran.map((earlier) => earlier.batch), ...(batch ? [batch] : [])];
}

/** Failed only for the organisation's limit on enqueued tokens: nothing of it ran, and later it may. */
export function isPutBack({ status, errors }: ObservedBatch): boolean {
  return status === 'failed' && errors.length > 0 && errors.every((e) => e.code === 'token_limit_exceeded');
}
