import type { ObservedBatch } from '../../functions/shared/domain/part.ts';
import type { BatchPage } from '../../functions/shared/ports/ports.ts';

/** Returns a page of a list that continues after its last batch. */
export function batchPage(batches: ObservedBatch[], hasMore: boolean, account: string): BatchPage {
  const last = batches.at(-1);
  return { batches, hasMore, ...(hasMore && last ? { next: last.batchId } : {}), account };
}
