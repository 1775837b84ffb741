/**
 * What SUBMIT does about a `POST /batches` whose answer was lost: there may be a batch, and there may yet be one.
 *   1. look     the list is searched for a batch on the intent's file, again and again until the settling time is over
 *   2. abandon  still nothing: the file is deleted, so that a request under way has nothing to run on, the list searched
 *               once more, and only then the part begins anew, with another intent and another file
 *
 * Known gaps: those of `next-step.ts`; what comes after all this is found by `cancel-late-batches.ts`.
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

/** Adopts the batch, or notes that there was none yet: it is searched for again later. Errors: as the API's, LostLease. */
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
 * The settling time is over: nothing on the list, the file deleted, still nothing on the list. Then the part begins anew:
 * true. Errors: as the API's, LostLease.
 */
export async function abandonIntent(deps: Deps, inHand: PartInHand, leased: LeasedPart): Promise<boolean> {
  const part = leased.item;
  if (part.phase !== 'creating' || (await adopt(deps, inHand, leased, part))) return false;
  const { id, fileId, account, at } = part.intent;
  const file = fileAtApi(fileId, account);
  if (!(await isDeleted(deps, file)))
    throw new RetryableError(`abandon ${fileId}: the key is of another account than the one that has it`);
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

/** Searches for batches on the intent's file; saves the oldest, cancels any other. Returns false when there is none. */
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
  // The batches of earlier attempts on the same file are known and ended.
  const known = new Set([...earlierBatchIds, ...secondBatchIds]);
  const [first, ...others] = found.filter((batch) => !known.has(batch.batchId));
  if (!first) return false;
  deps.log.info('batch_adopted', { jobId, part: number, batchId: first.batchId });
  await saveBatch(deps, inHand, { intentId: intent.id, batch: first, released });
  for (const other of others) await cancelSecondBatch(deps, inHand, other.batchId);
  return true;
}
