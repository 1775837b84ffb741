import { knownBatch } from '../domain/known-batch.ts';
import type { ObservedBatch, Part } from '../domain/part.ts';
import { phaseAfter } from '../domain/part-end.ts';
import { without, withoutBackoff } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import type { PartInHand } from './compare-and-set.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>;

/**
 * Saves a batch on the intent it was created for. The intent must still be the part's; the lease is not checked. A
 * batch whose intent was replaced, or a second batch on the same file, is cancelled at once. To save a batch twice
 * changes nothing. `released`: removes the caller's lease. Errors: RetryableError.
 */
export async function saveBatch(
  deps: Deps,
  inHand: PartInHand,
  { intentId, batch, released }: { intentId: string; batch: ObservedBatch; released: (part: Part) => Part },
): Promise<'saved' | 'cancelled'> {
  await inHand.change((part) => {
    if (part.phase !== 'creating' || part.intent.id !== intentId) return undefined;
    const now = deps.clock.now();
    const state = {
      intent: part.intent,
      batch: knownBatch(batch, { endpoint: part.endpoint, inputFileId: part.intent.fileId, createdAt: now }),
      previousStatus: null,
      rev: 1,
      publishedRev: 0,
    };
    const rest = without(withoutBackoff(part), 'stalled');
    // A batch that a search found later may have ended by then.
    return released({ ...rest, changedAt: now, tries: 0, ...phaseAfter(part, state, now) });
  });
  const saved = inHand.item;
  if (saved.batch?.batchId !== batch.batchId) {
    await cancelSecondBatch(deps, inHand, batch.batchId);
    return 'cancelled';
  }
  await deps.ledger.putBatchPointer(batch.batchId, inHand.ref);
  return 'saved';
}

/** Cancels a batch that must not run, and reports it. Errors: RetryableError. */
export async function cancelSecondBatch(
  deps: Pick<Ports, 'log' | 'metrics' | 'api'>,
  inHand: PartInHand,
  batchId: string,
): Promise<void> {
  const { jobId, number } = inHand.ref;
  deps.log.error('second_batch', { jobId, part: number, batchId });
  deps.metrics.record('SecondBatches', 1);
  await deps.api.cancelBatch(batchId);
  await inHand.change((part) =>
    part.secondBatchIds.includes(batchId)
      ? undefined
      : { ...part, secondBatchIds: [...part.secondBatchIds, batchId] },
  );
}
