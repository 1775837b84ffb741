/**
 * Resolves a `POST /batches` whose response was lost: a batch may exist, or may appear later.
 *   1. search   search the list for a batch on the intent's file, repeatedly until the settling time is over
 *   2. abandon  if none was found: delete the file, so that a late request cannot run it, and search once more. Only
 *               then the part begins again, with another intent and another file
 *
 * Known gap: that of `next-step.ts`; `cancel-late-batches.ts` finds a batch that appears later.
 */

import { RetryableError } from '../shared/domain/errors.ts';
import type { PartIn } from '../shared/domain/part.ts';
import { SEARCH_AGAIN_MS, SETTLING_MS } from '../shared/domain/timing.ts';
import { without } from '../shared/domain/without.ts';
import type { PartInHand } from '../shared/lifecycle/compare-and-set.ts';
import { findBatches } from '../shared/lifecycle/find-batches.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import { fileAtApi, isDeleted } from '../shared/lifecycle/openai-account.ts';
import { cancelSecondBatch, saveBatch } from '../shared/lifecycle/save-batch.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>;

/**
 * Adopts the intent's batch, or records that none was found and schedules another search. Errors: those of the API,
 * LostLease.
 */
export async function searchForBatch(deps: Deps, inHand: PartInHand, leased: LeasedPart): Promise<void> {
  const part = leased.item;
  if (part.phase !== 'creating' || (await adopt(deps, inHand, leased, part))) return;
  const { id } = part.intent;
  await leased.change((known) => {
    if (known.phase !== 'creating' || known.intent.id !== id) return undefined;
    const now = deps.clock.now();
    const { sendBy, foundNothingAt = now } = known.intent;
    const settled = Math.max(sendBy, foundNothingAt) + SETTLING_MS;
    const intent = { ...known.intent, foundNothingAt };
    return leased.released({ ...known, intent, backoffUntil: Math.min(now + SEARCH_AGAIN_MS, settled) });
  });
}

/**
 * Abandons the intent after the settling time: it searches the list, deletes the file and searches again. Returns true
 * when there is no batch and the part can begin again; false when a batch was adopted. Errors: those of the API,
 * LostLease.
 */
export async function abandonIntent(deps: Deps, inHand: PartInHand, leased: LeasedPart): Promise<boolean> {
  const part = leased.item;
  if (part.phase !== 'creating' || (await adopt(deps, inHand, leased, part))) return false;
  const { id, fileId, account, at } = part.intent;
  const file = fileAtApi(fileId, account);
  if (!(await isDeleted(deps, file)))
    throw new RetryableError(
      `abandon ${fileId}: the key belongs to another account than the file; restore the old key`,
    );
  if (await adopt(deps, inHand, leased, part)) return false;
  deps.log.warn('intent_abandoned', { jobId: part.jobId, part: part.number, fileId });
  await leased.change((known) => {
    if (known.phase !== 'creating' || known.intent.id !== id) return undefined;
    const abandoned = [...known.abandoned, { intentId: id, ...file, at, givenUpAt: deps.clock.now() }];
    const rest = without(known, 'intent', 'backoffUntil', 'stalled', 'lateBatchesCancelled');
    return { ...rest, phase: 'ready', abandoned, attempt: known.attempt + 1, tries: 0 };
  });
  return true;
}

/**
 * Searches for batches on the intent's file, saves the oldest and cancels any other. Returns false when there is none.
 */
async function adopt(
  deps: Deps,
  inHand: PartInHand,
  { released }: LeasedPart,
  { intent, jobId, number, earlierBatchIds, secondBatchIds }: PartIn<'creating'>,
): Promise<boolean> {
  const found = await findBatches(deps, {
    fileIds: new Set([intent.fileId]),
    since: intent.at,
    account: intent.account,
  });
  // Earlier attempts may have used the same file: their batches are known and have ended.
  const known = new Set([...earlierBatchIds, ...secondBatchIds]);
  const [first, ...others] = found.filter((batch) => !known.has(batch.batchId));
  if (!first) return false;
  deps.log.info('batch_adopted', { jobId, part: number, batchId: first.batchId });
  await saveBatch(deps, inHand, { intentId: intent.id, batch: first, released });
  for (const other of others) await cancelSecondBatch(deps, inHand, other.batchId);
  return true;
}
