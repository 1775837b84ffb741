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

/** Failed only for the organisation's limit on enqueued tokens: nothing of it ran, and later it may. */
export function isPutBack({ status, errors }: ObservedBatch): boolean {
  return status === 'failed' && errors.length > 0 && errors.every((e) => e.code === 'token_limit_exceeded');
}

/** The part, to be tried again after a pause if its batch was put back; whoever sees its status first says so. */
export function triedAgain(part: Part, now: number): Part {
  if (!part.batch || !isPutBack(part.batch) || part.cancelRequestedAt !== undefined) return part;
  const putBack = part.putBack + 1;
  return { ...part, willRetry: true, putBack, waitUntil: now + tokenLimitPause(putBack) };
}
