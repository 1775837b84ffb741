import type { ObservedBatch } from '../part.ts';

/** The order in which batches of one intent are adopted: those with results first, then those that may have some. */
const ORDER: readonly ((batch: ObservedBatch) => boolean)[] = [
  ({ outputFileId, counts }) => outputFileId !== undefined || (counts?.completed ?? 0) > 0,
  ({ status }) => status === 'completed',
  ({ status }) => status === 'finalizing' || status === 'in_progress',
  ({ status }) => !['cancelling', 'cancelled', 'expired', 'failed'].includes(status), // it may run
  ({ status }) => status === 'cancelling',
  ({ status }) => status === 'expired' || status === 'cancelled',
];

/**
 * Returns the batch to adopt of several on one intent, or on one file: one that has or may have results, of equal ones
 * the first. Undefined when there is none.
 */
export function batchToAdopt(found: readonly ObservedBatch[]): ObservedBatch | undefined {
  for (const fits of ORDER) {
    const first = found.find(fits);
    if (first) return first;
  }
  return found[0];
}
