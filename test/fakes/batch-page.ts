import type { ObservedBatch } from '../../functions/shared/domain/part.ts';
import type { BatchPage } from '../../functions/shared/ports/ports.ts';

/** A page of a list that can be continued after its last batch. */
export function batchPage(batches: ObservedBatch[], hasMore: boolean, account: string): BatchPage {
  const last = batches.at(-1);
  return { batches, hasMore, ...(hasMore && last ? { next: last.batchId } : {}), account };
}
