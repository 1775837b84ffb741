import { boundedBatch } from '../domain/bounded-batch.ts';
import { inStatus } from '../domain/job.ts';
import type { ObservedBatch, Part, PartRef } from '../domain/part.ts';
import { afterTokenLimitRejection } from '../domain/part-end.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob, changePart, without } from './compare-and-set.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>;

/**
 * Binds a batch to the intent it was made for: on the condition that the intent is still the part's, whoever holds the
 * lease by now. A batch whose intent was replaced, or that is the second one on its file, is cancelled at once.
 * Saving what is saved already changes nothing. Errors: RetryableError.
 */
export async function saveBatch(
  deps: Deps,
  ref: PartRef,
  intentId: string,
  batch: ObservedBatch,
): Promise<'saved' | 'cancelled'> {
  const answer = await changePart(deps, ref, (part) => {
    if (part.intent?.id !== intentId || part.batch) return undefined;
    return {
      ...(without(part, 'backoffUntil', 'stalled', 'dispatchedUntil') as Part),
      batch: boundedBatch(batch),
      previousStatus: null,
      rev: 1,
      publishedRev: 0,
      changedAt: deps.clock.now(),
      tries: 0,
      ...afterTokenLimitRejection(part, batch, deps.clock.now()), // one that is found later may have ended by then
    };
  });
  if (answer?.part.batch?.batchId !== batch.batchId) {
    await cancelSecondBatch(deps, ref, batch.batchId);
    return 'cancelled';
  }
  await deps.ledger.putBatchPointer(batch.batchId, ref, answer.part.expiresAt);
  await changeJob(deps, ref.jobId, (job) =>
    job.status === 'accepted' && job.publishedRev === job.rev
      ? inStatus(job, 'submitted', deps.clock.now())
      : undefined,
  );
  return 'saved';
}

/** Cancels a batch that nobody may pay for, and reports it. Errors: RetryableError. */
export async function cancelSecondBatch(deps: Deps, ref: PartRef, batchId: string): Promise<void> {
  deps.log.error('second_batch', { jobId: ref.jobId, part: ref.number, batchId });
  deps.metrics.record('SecondBatches', 1);
  await deps.api.cancelBatch(batchId);
  await changePart(deps, ref, (part) =>
    part.secondBatchIds.includes(batchId)
      ? undefined
      : { ...part, secondBatchIds: [...part.secondBatchIds, batchId] },
  );
}
