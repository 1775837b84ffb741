import { type OpenBatch, processedPercent } from '../../shared/domain/open-batch.ts';
import type { ObservedBatch, Part } from '../../shared/domain/part.ts';

const YOUNG_MS = 10 * 60_000; // half of all batches end before that: their progress is not worth a write
const STEP = 10; // percent of the rows: at most ten writes for a batch

/**
 * Returns whether the progress of an open batch is worth storing, for people who look at its job. Its status stores it as
 * well, but may stay the same for a day.
 */
export function isProgressToNote(open: OpenBatch, { counts }: ObservedBatch, now: number): boolean {
  const { createdAt, percent = 0 } = open;
  return now - createdAt >= YOUNG_MS && processedPercent(counts) - percent >= STEP;
}

/**
 * Returns the part with the progress that was observed; undefined if it has another batch, is as far already, or has an
 * event that is not published yet: the event says the progress, and stays the same however often it is published.
 */
export function withProgress(part: Part, { batchId, status, counts }: ObservedBatch): Part | undefined {
  if (part.phase !== 'running' || counts === undefined) return undefined;
  if (part.rev !== part.publishedRev) return undefined;
  const { batch } = part;
  if (batch.batchId !== batchId || batch.status !== status) return undefined;
  if (processedPercent(counts) <= processedPercent(batch.counts)) return undefined;
  return { ...part, batch: { ...batch, counts } };
}
