/**
 * Searches for second batches of a job, once and only after its results are stored, with one pass through the list for
 * all its parts. The network may duplicate a request, and the API may accept one long after it was sent. Rule 1 of
 * "What an answer is worth" (docs/architecture.md).
 *
 * Known gaps: a batch that is not yet on the list is not found. A gateway may show our batch under another id than the
 * one it returned. In such a list, an ended batch does not count as a second batch. A running one does, because all
 * known batches of the job have ended. So does any one if the API has lost the known batch: it is reported, and may have the
 * results.
 */
import { hasEnded } from '../shared/contract/batch-status.ts';
import { isSameAccount } from '../shared/domain/openai-account.ts';
import type { ObservedBatch } from '../shared/domain/part.ts';
import type { FileAtApi } from '../shared/domain/spending/intents.ts';
import type { WholePart } from '../shared/domain/spending/past-attempts.ts';
import { type Began, searchHorizon } from '../shared/domain/spending/search-horizon.ts';
import { LATE_BATCH_SEARCH_AFTER_MS, LISTED_AFTER_MS } from '../shared/domain/timing.ts';
import { partInHand } from '../shared/lifecycle/compare-and-set.ts';
import { findBatches } from '../shared/lifecycle/find-batches.ts';
import { cancelSecondBatch } from '../shared/lifecycle/spending/second-batches.ts';
import type { Ports } from '../shared/ports/ports.ts';
import type { RecentPages } from './recent-pages.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'> & { pages: RecentPages };

/** The result of a search: how many second batches it found, and whether the search is complete. */
export interface SecondBatchSearch {
  found: number;
  isComplete: boolean;
}

/** A create that was sent, or may have been sent. */
interface Sent extends Began, Partial<FileAtApi> {
  intentId: string;
  part: WholePart;
  /** The batch that the create is known to have made. */
  batchId?: string;
}

/** Returns when the search for the batches of these parts may begin. Before that, a batch may not be on the list. */
export function secondBatchSearchFrom(parts: readonly WholePart[]): number {
  const late = parts.flatMap(({ abandoned }) => abandoned.map(({ givenUpAt = 0 }) => givenUpAt));
  const refused = parts.flatMap(({ intent, batch, ran, replacedIntents = [] }) => [
    ...[intent, ...ran.map((one) => one.intent)].flatMap((one) => one?.refusedAt ?? []),
    // A create that was sent and has no batch: it was refused, and the part was cancelled before the next search.
    ...(batch || intent?.sendBy === undefined ? [] : [intent.sendBy]),
    ...replacedIntents.flatMap(({ batchId, sentUntil }) => (batchId === undefined ? [sentUntil] : [])),
  ]);
  const created = parts.flatMap(({ batch }) => batch?.createdAt ?? []);
  return Math.max(
    ...[...late, ...refused].map((at) => at + LATE_BATCH_SEARCH_AFTER_MS),
    ...created.map((at) => at + LISTED_AFTER_MS),
  );
}

/** Searches for second batches of the parts, cancels them and reports them. Errors: RetryableError of the ledger. */
export async function searchForSecondBatches(
  deps: Deps,
  parts: readonly WholePart[],
): Promise<SecondBatchSearch> {
  const search: SecondBatchSearch = { found: 0, isComplete: true };
  const api = deps.pages.of(deps.api, secondBatchSearchFrom(parts));
  for (const { account, sent } of byAccount(parts.flatMap(sentFor))) {
    const { ours, listed, gap } = await findBatches(
      { api },
      {
        intentIds: new Set(sent.map(({ intentId }) => intentId)),
        fileIds: new Set(sent.flatMap(({ fileId }) => fileId ?? [])),
        horizon: searchHorizon(sent),
        account,
      },
    );
    if (gap) deps.log.warn('second_batch_search_incomplete', { jobId: parts[0]?.jobId, reason: gap.message });
    search.isComplete &&= gap === undefined;
    for (const batch of ours) {
      const part = secondOf(sent, batch, listed);
      if (!part) continue;
      search.found += 1;
      await cancelSecondBatch(deps, partInHand(deps, part.stored), batch.batchId);
    }
  }
  return search;
}

/** Returns the part that the batch is a second batch of; undefined if there is none. */
function secondOf(
  sent: readonly Sent[],
  batch: ObservedBatch,
  listed: ReadonlySet<string>,
): WholePart | undefined {
  const { batchdrop_intent: intentId } = batch.metadata;
  const of =
    sent.find((each) => each.intentId === intentId) ??
    sent.find(({ fileId }) => fileId === batch.inputFileId);
  if (!of) return undefined;
  const { part, batchId } = of;
  const known = [part.batch?.batchId, ...part.earlierBatchIds, ...part.secondBatchIds];
  if (known.includes(batch.batchId)) return undefined;
  const isUnlisted = batchId !== undefined && !listed.has(batchId);
  const mayBeOurs = isUnlisted && hasEnded(batch.status) && part.ended?.as !== 'lost';
  return mayBeOurs ? undefined : part;
}

/** Returns every create of the part that was or may have been sent. */
function sentFor(part: WholePart): Sent[] {
  const { intent, batch, ran, abandoned, replacedIntents = [] } = part;
  const known = [...ran, ...(intent?.fileId === undefined ? [] : [{ intent, batch }])];
  return [
    ...known.map(({ intent: { id, ...began }, batch: created }) => ({
      ...began,
      intentId: id,
      part,
      ...(created ? { batchId: created.batchId } : {}),
    })),
    ...[...abandoned, ...replacedIntents].map((each) => ({ ...each, part })),
  ];
}

function byAccount(all: readonly Sent[]): { account: string | undefined; sent: Sent[] }[] {
  const groups: { account: string | undefined; sent: Sent[] }[] = [];
  for (const one of all) {
    const group = groups.find(({ account }) => isSame(account, one.account));
    if (group) group.sent.push(one);
    else groups.push({ account: one.account, sent: [one] });
  }
  return groups;
}

function isSame(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined ? one === other : isSameAccount(one, other);
}
