import type { ObservedBatch } from '../shared/domain/part.ts';
import type { PartInHand } from '../shared/lifecycle/compare-and-set.ts';
import { findBatches } from '../shared/lifecycle/find-batches.ts';
import { cancelSecondBatch } from '../shared/lifecycle/save-batch.ts';
import type { Ports } from '../shared/ports/ports.ts';

/**
 * Searches a last time for batches on abandoned files, and cancels and reports those that the API accepted after the
 * settling time. Errors: those of the API.
 */
export async function cancelLateBatches(
  deps: Pick<Ports, 'clock' | 'log' | 'metrics' | 'api'>,
  inHand: PartInHand,
): Promise<void> {
  const part = inHand.item;
  const found: ObservedBatch[] = [];
  for (const account of new Set(part.abandoned.map((intent) => intent.account))) {
    const ofAccount = part.abandoned.filter((intent) => intent.account === account);
    const fileIds = new Set(ofAccount.map(({ fileId }) => fileId));
    const since = Math.min(...ofAccount.map(({ at }) => at));
    found.push(...(await findBatches(deps, { fileIds, since, account })));
  }
  // After a rejection for the token limit, later attempts use the same file: the rejected batch on it is known.
  const known = new Set([part.batch?.batchId, ...part.earlierBatchIds, ...part.secondBatchIds]);
  for (const { batchId } of found) if (!known.has(batchId)) await cancelSecondBatch(deps, inHand, batchId);
  await inHand.change((now) =>
    now.lateBatchesCancelled ? undefined : { ...now, lateBatchesCancelled: true, tries: 0 },
  );
}
