import { knownBatch } from '../domain/known-batch.ts';
import type { ObservedBatch, Part, PartIn } from '../domain/part.ts';
import { phaseAfter } from '../domain/part-end.ts';
import type { SentIntent } from '../domain/spending/intents.ts';
import { without, withoutBackoff } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import type { PartInHand } from './compare-and-set.ts';
import { cancelSecondBatch } from './spending/second-batches.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'> & {
  /** Webhooks may report the end of a batch before the batch is saved. */
  webhooks?: true;
};

/** A batch to save. */
interface BatchToSave {
  intentId: string;
  batch: ObservedBatch;
  /** Only the response to the create request has shown the batch. */
  unconfirmed?: true;
  /** Removes the caller's lease. */
  released: (part: Part) => Part;
}

/**
 * Saves a batch for the intent that it was created for. The intent must still be the part's current one; the lease is
 * not checked. If the intent was replaced, or the file already has another batch, this batch is cancelled at once,
 * unless an earlier attempt had it. Saving a batch twice changes nothing. Errors: RetryableError.
 */
export async function saveBatch(
  deps: Deps,
  inHand: PartInHand,
  { intentId, batch, unconfirmed, released }: BatchToSave,
): Promise<void> {
  await inHand.change((part) => {
    if (part.phase !== 'creating' || part.intent.id !== intentId) return undefined;
    const saved = withBatch(part, part.intent, batch, deps.clock.now());
    return released(unconfirmed ? { ...saved, unconfirmed } : saved);
  });
  if (inHand.item.batch?.batchId !== batch.batchId) {
    await cancelSecondBatch(deps, inHand, batch.batchId);
    return;
  }
  await deps.ledger.putBatchPointer(batch.batchId, inHand.ref);
  if (deps.webhooks) await noteToldEnd(deps, inHand, batch.batchId);
}

/**
 * Notes on the part that a webhook reported the end of its batch before the batch pointer existed. WEBHOOK writes its
 * note and then reads the pointer. This function writes the pointer and then reads the note. So at least one of them
 * sees the other's write.
 */
async function noteToldEnd(deps: Deps, inHand: PartInHand, batchId: string): Promise<void> {
  const toldAt = await deps.ledger.readEarlyEnd(batchId);
  if (toldAt === undefined) return;
  await inHand.change((part) =>
    part.phase === 'running' && part.batch.batchId === batchId && part.toldAt === undefined
      ? { ...part, toldAt }
      : undefined,
  );
}

/** Returns the part with the batch. A batch that a search or a person found may have ended already. */
export function withBatch(
  part: PartIn<'creating' | 'stalled'>,
  intent: SentIntent,
  observed: ObservedBatch,
  now: number,
): Part {
  const sent = { endpoint: part.endpoint, inputFileId: intent.fileId, createdAt: now };
  const state = { intent, batch: knownBatch(observed, sent), ...outboxOf(part, observed) };
  const rest = without(withoutBackoff(part), 'stalled', 'stallPublished', 'adopt', 'unseen', 'unconfirmed');
  return { ...rest, changedAt: now, tries: 0, ...phaseAfter(part, state, now) };
}

/** Returns the outbox of the batch. If the part had this batch before, the outbox continues from that status. */
function outboxOf({ unseen }: Part, { batchId, status }: ObservedBatch) {
  if (unseen?.batchId !== batchId) return { previousStatus: null, rev: 1, publishedRev: 0 };
  const { rev } = unseen;
  if (unseen.status === status) return { previousStatus: null, rev, publishedRev: rev };
  return { previousStatus: unseen.status, rev: rev + 1, publishedRev: rev };
}
