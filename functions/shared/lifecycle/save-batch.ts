import { boundedBatch } from '../domain/bounded-batch.ts';
import type { ObservedBatch, Part } from '../domain/part.ts';
import { phaseAfter } from '../domain/part-end.ts';
import { without, withoutPauses } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import type { PartInHand } from './compare-and-set.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>;

/**
 * Binds a batch to the intent it was created for: on the condition that the intent is still the part's, whoever has the
 * lease by now. A batch whose intent was replaced, or that is the second one on its file, is cancelled at once. Saving what
 * is saved already changes nothing. `released` takes the saver's own lease off. Errors: RetryableError.
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
      batch: boundedBatch(batch),
      previousStatus: null,
      rev: 1,
      publishedRev: 0,
    };
    const rest = without(withoutPauses(part), 'stalled');
    // One that is found later may have ended by then.
    return released({ ...rest, changedAt: now, tries: 0, ...phaseAfter(part, state, now) });
  });
  const saved = inHand.item;
  if (saved.batch?.batchId !== batch.batchId) {
    await cancelSecondBatch(deps, inHand, batch.batchId);
    return 'cancelled';
  }
  await deps.ledger.putBatchPointer(batch.batchId, inHand.ref, saved.expiresAt);
  return 'saved';
}

/** Cancels a batch that nobody may pay for, and reports it. Errors: RetryableError. */
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
