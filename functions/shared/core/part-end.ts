import type { Part } from './part.ts';

/**
 * How a part ended: as its batch did, or as it did without one. A part that was put back and cancelled while it waited
 * is cancelled, although its last batch failed.
 */
export function endOfPart(part: Part): string | undefined {
  if (part.willRetry && part.cancelRequestedAt !== undefined) return 'cancelled';
  return part.batch?.status ?? part.ended?.as;
}
