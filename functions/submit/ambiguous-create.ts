/**
 * What SUBMIT does about a `POST /batches` whose answer was lost: there may be a batch, and there may yet be one.
 *   1. look     the list is searched for a batch on the intent's file, again and again until the settling time is over
 *   2. abandon  still nothing: the file is deleted, so that a request under way has nothing to run on, the list searched
 *               once more, and only then the part begins anew, with another intent and another file
 *
 * Known gaps: those of `next-step.ts`; what comes after all this is found by `cancel-late-batches.ts`.
 */

import { RetryableError } from '../shared/domain/errors.ts';
import { type Intent, intentOf, type Part } from '../shared/domain/part.ts';
import { SEARCH_AGAIN_MS, SETTLING_MS } from '../shared/domain/timing.ts';
import { without } from '../shared/lifecycle/compare-and-set.ts';
import { findBatches } from '../shared/lifecycle/find-batches.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import { fileAtApi, isDeleted } from '../shared/lifecycle/openai-account.ts';
import { cancelSecondBatch, saveBatch } from '../shared/lifecycle/save-batch.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>;

/** Adopts the batch, or notes that there was none yet: it is looked for again later. */
export async function searchForBatch(deps: Deps, leased: LeasedPart): Promise<void> {
  const intent = intentOf(leased.part);
  if (await adopt(deps, leased.part, intent)) return;
  await leased.change((part) => {
    if (part.intent?.id !== intent.id || part.batch) return undefined;
    const now = deps.clock.now();
    const foundNothingAt = part.intent.foundNothingAt ?? now;
    const settled = Math.max(part.intent.sendBy ?? now, foundNothingAt) + SETTLING_MS;
    return {
      ...part,
      intent: { ...part.intent, foundNothingAt },
      backoffUntil: Math.min(now + SEARCH_AGAIN_MS, settled),
    };
  });
}

/** The settling time is over: nothing on the list, the file deleted, still nothing on the list. Then all anew: true. */
export async function abandonIntent(deps: Deps, leased: LeasedPart): Promise<boolean> {
  const { part } = leased;
  const intent = intentOf(part);
  if (await adopt(deps, part, intent)) return false;
  const { fileId } = intent;
  if (fileId === undefined) throw new Error(`abandon part ${part.jobId}/${part.number}: no file`);
  const file = fileAtApi(fileId, intent.account);
  if (!(await isDeleted(deps, file)))
    throw new RetryableError(`abandon ${fileId}: the key is of another account than the one that has it`);
  if (await adopt(deps, part, intent)) return false;
  deps.log.warn('intent_abandoned', { jobId: part.jobId, part: part.number, fileId });
  await leased.change((now) => {
    if (now.intent?.id !== intent.id || now.batch) return undefined;
    const abandoned = [
      ...now.abandoned,
      { intentId: intent.id, ...file, at: intent.at, givenUpAt: deps.clock.now() },
    ];
    const next = without(now, 'intent', 'backoffUntil', 'stalled', 'lateBatchesCancelled') as Part;
    return { ...next, abandoned, attempt: now.attempt + 1, tries: 0 };
  });
  return true;
}

/** Looks for batches on the intent's file; saves the oldest, cancels any other. False: none. */
async function adopt(deps: Deps, part: Part, intent: Intent): Promise<boolean> {
  const { fileId } = intent;
  if (fileId === undefined) return false;
  const found = await findBatches(deps, {
    fileIds: new Set([fileId]),
    since: intent.at,
    account: intent.account,
  });
  // The batches of earlier attempts on the same file are known and ended.
  const known = new Set([...part.earlierBatchIds, ...part.secondBatchIds]);
  const [first, ...others] = found.filter((batch) => !known.has(batch.batchId));
  if (!first) return false;
  deps.log.info('batch_adopted', { jobId: part.jobId, part: part.number, batchId: first.batchId });
  await saveBatch(deps, part, intent.id, first);
  for (const other of others) await cancelSecondBatch(deps, part, other.batchId);
  return true;
}
