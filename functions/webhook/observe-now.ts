import { hasEnded } from '../shared/contract/batch-status.ts';
import { usedRows } from '../shared/domain/money/measured-rows.ts';
import { type PartRef, rowsOfAttempt } from '../shared/domain/part.ts';
import { type AdvanceDeps, advancePart, quickPartStepHandlers } from '../shared/lifecycle/advance.ts';
import { observePart } from '../shared/lifecycle/apply-observation.ts';
import { recordEnd } from '../shared/lifecycle/business-metrics.ts';
import { type PartInHand, takePart } from '../shared/lifecycle/compare-and-set.ts';
import { noteUsedRows } from '../shared/lifecycle/spending/note-used-rows.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = AdvanceDeps & Pick<Ports, 'api'>;

/**
 * Observes the batch of the part once, and carries out the steps that follow. Errors: those of the API and the ledger.
 */
export async function observeNow(deps: Deps, ref: PartRef, batchId: string): Promise<void> {
  const inHand = await takePart(deps, ref);
  if (inHand?.item.batch?.batchId !== batchId) return; // an earlier batch of the part
  let isObserved = false;
  let failure: unknown;
  const observe = async (part: PartInHand): Promise<boolean> => {
    if (isObserved) return false;
    isObserved = true;
    try {
      return await observePart(deps, part);
    } catch (error) {
      failure = error; // not a failed step: POLL observes the batch even if the webhook is not repeated
      return false;
    }
  };
  const wasRunning = inHand.item.phase === 'running';
  const sent = rowsOfAttempt(inHand.item);
  await advancePart(deps, inHand, { ...quickPartStepHandlers(deps), observe }, false);
  const { batch } = inHand.item;
  const isSame = batch?.batchId === batchId;
  if (isSame && !hasEnded(batch.status)) await noteTold(deps, inHand, batchId);
  if (failure !== undefined) throw failure;
  if (!isSame || !wasRunning || !hasEnded(batch.status)) return;
  recordEnd(deps.metrics, 'webhook', batch, deps.clock.now());
  const used = usedRows(sent, batch);
  if (used) await noteUsedRows(deps, ref.jobId, used);
}

/**
 * The API does not show the end yet, or the part may not be observed now. From now on, each tick observes the batch.
 */
async function noteTold({ clock }: Deps, inHand: PartInHand, batchId: string): Promise<void> {
  const toldAt = clock.now();
  await inHand.change((part) =>
    part.phase === 'running' && part.batch.batchId === batchId && part.toldAt === undefined
      ? { ...part, toldAt }
      : undefined,
  );
}
