import type { ObservedBatch, Part, PartRef } from '../shared/domain/part.ts';
import { partInHand } from '../shared/lifecycle/compare-and-set.ts';
import { retrieveIfKnown } from '../shared/lifecycle/find-batches.ts';
import { saveBatch } from '../shared/lifecycle/save-batch.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>;

const EARLY_END_KEPT_MS = 60 * 60_000; // a create that takes longer is searched for, and POLL observes its batch

/**
 * Returns the part that has the batch. If no part has it, the batch is retrieved:
 *   - if it has the intent of a part that waits for it, it is saved on the part, as SUBMIT would do
 *   - if it has no intent of ours, it is `foreign`
 *   - if the API does not show it, it is `early`: its end is noted, and *then* the pointer is read again, because
 *     SUBMIT writes the pointer and *then* reads the note
 * Errors: those of the API and the ledger.
 */
export async function findPart(deps: Deps, batchId: string): Promise<PartRef | 'foreign' | 'early'> {
  const known = await deps.ledger.readBatchPointer(batchId);
  if (known) return known;
  const batch = await retrieveIfKnown(deps.api, batchId);
  if (batch) return (await ownerOf(deps, batch)) ?? 'foreign';
  const now = deps.clock.now();
  await deps.ledger.noteEarlyEnd(batchId, now, now + EARLY_END_KEPT_MS);
  return (await deps.ledger.readBatchPointer(batchId)) ?? 'early';
}

/** Returns the part whose intent the batch has, after saving the batch on it; undefined if there is none. */
async function ownerOf(deps: Deps, batch: ObservedBatch): Promise<PartRef | undefined> {
  const { batchdrop_job: jobId, batchdrop_part: number, batchdrop_intent: intentId } = batch.metadata;
  if (jobId === undefined || number === undefined || intentId === undefined) return undefined;
  const part = (await deps.ledger.partsOf(jobId)).find(
    (each) => String(each.number) === number && hasIntent(each, intentId),
  );
  if (!part) return undefined;
  const inHand = partInHand(deps, part);
  // If there is a lease, it is SUBMIT's, which still waits for the response to its create and will find the batch
  // saved.
  await saveBatch(deps, inHand, { intentId, batch, released: (saved) => saved });
  return inHand.ref;
}

/** Only the part's current intent counts. Searches resolve the creates of earlier intents (`replaced-intents.ts`). */
function hasIntent(part: Part, intentId: string): boolean {
  return part.phase !== 'planned' && part.intent?.id === intentId;
}
