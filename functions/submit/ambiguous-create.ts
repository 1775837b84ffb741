/**
 * Resolves a `POST /batches` whose response was lost or whose refusal is temporary: a batch may exist, or may appear
 * later.
 *   1. search   search the list for a batch of the intent, or one with its file that names no intent, and adopt it.
 *               After a temporary refusal, the create may be sent again once a search found nothing at a time when the
 *               list would show the batch. After a lost response, the search is repeated until the settling time is over
 *   2. abandon  if no batch was found: delete the file, so that a late request cannot run it, and search once more.
 *               Only then is the create unresolved: the part begins again with another intent and another file, or it
 *               stalls (`unresolved-creates.ts`)
 *
 * Known gaps: that of `next-step.ts`: POLL, or the search after the job's end, finds a batch that appears later. A second batch
 * of an earlier intent with the same file is adopted if the API shows neither its metadata nor its time.
 */

import { hasEnded } from '../shared/contract/batch-status.ts';
import { RetryableError } from '../shared/domain/errors.ts';
import { settledAt } from '../shared/domain/next-step.ts';
import type { ObservedBatch, PartIn } from '../shared/domain/part.ts';
import { batchToAdopt } from '../shared/domain/spending/batch-choice.ts';
import type { UploadedIntent } from '../shared/domain/spending/intents.ts';
import { searchHorizon } from '../shared/domain/spending/search-horizon.ts';
import { afterUnresolvedCreate } from '../shared/domain/spending/unresolved-creates.ts';
import { LISTED_AFTER_MS, SEARCH_AGAIN_MS } from '../shared/domain/timing.ts';
import { without } from '../shared/domain/without.ts';
import type { PartInHand } from '../shared/lifecycle/compare-and-set.ts';
import { findBatches, retrieveIfKnown } from '../shared/lifecycle/find-batches.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import { fileAtApi, isDeleted } from '../shared/lifecycle/openai-account.ts';
import { saveBatch } from '../shared/lifecycle/save-batch.ts';
import { unknownOf } from '../shared/lifecycle/spending/past-attempts.ts';
import { cancelSecondBatch } from '../shared/lifecycle/spending/second-batches.ts';
import { noteStalled } from '../shared/lifecycle/spending/uncertain-accounts.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>;

/**
 * Adopts the intent's batch. If there is none, schedules another search. After a refusal, the create may instead be
 * sent again: then this returns true. Errors: those of the API, LostLease.
 */
export async function searchForBatch(deps: Deps, inHand: PartInHand, leased: LeasedPart): Promise<boolean> {
  const part = leased.item;
  if (part.phase !== 'creating') return false;
  const { id, account } = part.intent;
  if (await adoptIfFound(deps, inHand, leased, { part, account })) return false;
  let isCreateNext = false;
  await leased.change((known) => {
    isCreateNext = known.phase === 'creating' && known.intent.id === id && known.intent.refused === true;
    if (known.phase !== 'creating' || known.intent.id !== id) return undefined;
    const now = deps.clock.now();
    const { refusedAt = now } = known.intent;
    if (isCreateNext && now < listedFrom(known.intent)) {
      isCreateNext = false;
      return leased.released({ ...known, backoffUntil: listedFrom(known.intent) });
    }
    if (isCreateNext) {
      const intent = { ...without(known.intent, 'sendBy', 'foundNothingAt', 'refused'), refusedAt };
      return { ...without(known, 'stalled'), phase: 'uploaded', intent };
    }
    const { foundNothingAt = now } = known.intent;
    const settled = settledAt(known, foundNothingAt);
    const intent = { ...known.intent, foundNothingAt };
    return leased.released({ ...known, intent, backoffUntil: Math.min(now + SEARCH_AGAIN_MS, settled) });
  });
  return isCreateNext;
}

/** Returns the time after which a list without the refused create's batch proves that there is none. */
function listedFrom({ refusedAt }: UploadedIntent): number {
  return refusedAt === undefined ? 0 : refusedAt + LISTED_AFTER_MS;
}

/**
 * Abandons the intent after the settling time: searches the list, deletes the file and searches again. Returns true if
 * there is no batch and the part can begin again; false if a batch was adopted or the part is stalled. Errors: those of
 * the API, LostLease.
 */
export async function abandonIntent(deps: Deps, inHand: PartInHand, leased: LeasedPart): Promise<boolean> {
  const part = leased.item;
  if (part.phase !== 'creating') return false;
  const { id, fileId, account, at, uploadedAt, answeredAt } = part.intent;
  if (await adoptIfFound(deps, inHand, leased, { part, account })) return false;
  const file = fileAtApi(fileId, account);
  if (!(await isDeleted(deps, file)))
    throw new RetryableError(
      `abandon ${fileId}: the key belongs to another account than the file; restore the old key`,
    );
  if (await adoptIfFound(deps, inHand, leased, { part, account })) return false;
  deps.log.warn('intent_abandoned', { jobId: part.jobId, part: part.number, fileId });
  const times = {
    ...(uploadedAt === undefined ? {} : { uploadedAt }),
    ...(answeredAt === undefined ? {} : { answeredAt }),
  };
  await leased.change((known) => {
    if (known.phase !== 'creating' || known.intent.id !== id) return undefined;
    const givenUpAt = deps.clock.now();
    return afterUnresolvedCreate(known, { intentId: id, ...file, at, ...times, givenUpAt });
  });
  if (leased.item.phase !== 'stalled') return true;
  await noteStalled(deps, account, true);
  return false;
}

/**
 * Searches for the intent's batches, adopts one and cancels the others, and those of earlier intents that run. Returns
 * false if there is certainly none. `account`: the account that the list must belong to; undefined for any. Errors: those
 * of the API; RetryableError if nothing was found and the list is not complete.
 */
export async function adoptIfFound(
  deps: Deps,
  inHand: PartInHand,
  { released }: LeasedPart,
  search: { part: PartIn<'creating'>; account: string | undefined },
): Promise<boolean> {
  const { intent, jobId, number } = search.part;
  const { ours, gap } = await findBatches(deps, {
    intentIds: new Set([intent.id]),
    fileIds: new Set([intent.fileId]),
    horizon: searchHorizon([intent]),
    account: search.account,
  });
  // Earlier attempts may have used the same file. Their known batches have ended.
  const unknown = await unknownOf(deps, search.part, ours);
  const found: ObservedBatch[] = [];
  for (const listed of unknown) {
    const batch = await withItsIntent(deps, search.part, listed);
    if (!isOfEarlierIntent(batch, search.part)) found.push(batch);
    else if (!hasEnded(batch.status)) await cancelSecondBatch(deps, inHand, batch.batchId);
  }
  if (found.length === 0) found.push(...(await unseenBatch(deps, search.part)));
  const adopted = batchToAdopt(found);
  if (!adopted) {
    if (gap) throw gap;
    return false;
  }
  deps.log.info('batch_adopted', { jobId, part: number, batchId: adopted.batchId });
  await saveBatch(deps, inHand, { intentId: intent.id, batch: adopted, released });
  for (const other of found) if (other !== adopted) await cancelSecondBatch(deps, inHand, other.batchId);
  return true;
}

/**
 * Returns the batch as the API shows it by its id, if the list shows no metadata and an earlier intent had the same file.
 * Errors: those of the API.
 */
async function withItsIntent(
  { api }: Deps,
  { replacedIntents = [] }: PartIn<'creating'>,
  batch: ObservedBatch,
): Promise<ObservedBatch> {
  const { metadata, inputFileId, batchId } = batch;
  const isShared = replacedIntents.some(({ fileId }) => fileId === inputFileId);
  if (metadata.batchdrop_intent !== undefined || !isShared) return batch;
  return (await retrieveIfKnown(api, batchId)) ?? batch;
}

/**
 * Returns whether the batch is of an earlier intent with the same file: a second batch of a create that was refused or
 * whose batch was rejected. It says nothing about the create of this intent, whose batch may appear later. If it has
 * ended, the search after the job's end decides what it is (`second-batch-search.ts`). Without metadata, it is of an
 * earlier one if it is older than that one's end.
 */
function isOfEarlierIntent(
  { metadata, inputFileId, createdAt = Number.POSITIVE_INFINITY }: ObservedBatch,
  { intent, replacedIntents = [] }: PartIn<'creating'>,
): boolean {
  const { batchdrop_intent: intentId } = metadata;
  if (intentId !== undefined) return intentId !== intent.id;
  return replacedIntents.some(({ fileId, endedAt = 0 }) => fileId === inputFileId && createdAt < endedAt);
}

/** Returns the batch that the response to the create named, if the API knows it by now. Errors: those of the API. */
async function unseenBatch({ api }: Deps, { unseen }: PartIn<'creating'>): Promise<ObservedBatch[]> {
  const batch = unseen && (await retrieveIfKnown(api, unseen.batchId));
  return batch ? [batch] : [];
}
