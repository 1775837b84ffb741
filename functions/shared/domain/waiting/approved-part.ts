import { ROW_ABOVE_BUDGET } from '../money/budget.ts';
import type { Part } from '../part.ts';
import { isAtItsEnd } from '../part-end.ts';
import { without } from '../without.ts';

/**
 * Returns the part after somebody approved its job: the budget lets it begin. A part that was stopped because it may cost more
 * than the whole budget continues. Undefined when there is nothing to approve.
 */
export function approvedPart(part: Part, approvedAt: number): Part | undefined {
  if (isAtItsEnd(part) || part.approvedAt !== undefined) return undefined;
  if (part.phase !== 'stalled' || part.stalled.code !== ROW_ABOVE_BUDGET) return { ...part, approvedAt };
  const rest = without(part, 'stalled', 'stallPublished', 'adopt', 'backoffUntil', 'dispatchedUntil');
  return { ...rest, phase: 'ready', tries: 0, approvedAt };
}
