import type { ObservedBatch } from '../part.ts';

/** The order of preference for batches of one intent: first those with results, then those that may have results. */
const ORDER: readonly ((batch: ObservedBatch) => boolean)[] = [
  ({ outputFileId, counts }) => outputFileId !== undefined || (counts?.completed ?? 0) > 0,
  ({ status }) => status === 'completed',
  ({ status }) => status === 'finalizing' || status === 'in_progress',
  ({ status }) => !['cancelling', 'cancelled', 'expired', 'failed'].includes(status), // it may run
  ({ status }) => status === 'cancelling',
  ({ status }) => status === 'expired' || status === 'cancelled',
];

/**
 * Returns the batch to adopt if several have the same intent or file: one that has or may have results, and the first
 * of equal ones. Undefined if there is none.
 */
export function batchToAdopt(found: readonly ObservedBatch[]): ObservedBatch | undefined {
  for (const fits of ORDER) {
    const first = found.find(fits);
    if (first) return first;
  }
  return found[0];
}
