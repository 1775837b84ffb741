/**
 * Searches the API's list for our batches. Rules 1 and 5 of "What an answer is worth" (docs/architecture.md): a batch
 * is ours if its metadata has our intent, or if its input file is ours. A batch that is found counts even if the list
 * cannot be read to its end. A search that finds nothing counts only if the list is complete back to the horizon.
 */
import { RetryableError, TerminalError } from '../domain/errors.ts';
import { isSameAccount } from '../domain/openai-account.ts';
import type { ObservedBatch } from '../domain/part.ts';
import type { BatchApi } from '../ports/ports.ts';

const PAGE = 100; // the API's maximum
const MAX_PAGES = 500; // 50,000 batches: a day at OpenAI's hourly limit

type ListDeps = { api: Pick<BatchApi, 'listBatches'> };

/** What a search looks for. */
export interface BatchSearch {
  intentIds: ReadonlySet<string>;
  fileIds: ReadonlySet<string>;
  /** The search goes back to this time, in milliseconds; undefined: to the end of the list. */
  horizon: number | undefined;
  /** The account of the batches; undefined for any. */
  account: string | undefined;
}

/** What a search found. */
export interface FoundBatches {
  /** Oldest first. */
  ours: ObservedBatch[];
  /** The ids of all batches that the list showed. */
  listed: ReadonlySet<string>;
  /** Why the list is not complete back to the horizon. Then the search does not prove that a batch is absent. */
  gap?: Error;
}

/** Searches the list from the newest batch back to the horizon. It never throws: a failure of the API becomes `gap`. */
export async function findBatches({ api }: ListDeps, search: BatchSearch): Promise<FoundBatches> {
  const found = new Map<string, ObservedBatch>();
  const listed = new Set<string>();
  const gap = await walk(api, search, (batch) => {
    listed.add(batch.batchId);
    if (isOurs(batch, search)) found.set(batch.batchId, batch);
  }).catch((failure: unknown) => (failure instanceof Error ? failure : new Error(String(failure))));
  return { ours: oldestFirst(found), listed, ...(gap ? { gap } : {}) };
}

/** Returns the batch; undefined if the API does not know it. Errors: those of the API. */
export async function retrieveIfKnown(
  api: Pick<BatchApi, 'retrieveBatch'>,
  batchId: string,
): Promise<ObservedBatch | undefined> {
  try {
    return await api.retrieveBatch(batchId);
  } catch (failure) {
    if (failure instanceof TerminalError && failure.code === 'not_found') return undefined;
    throw failure;
  }
}

/** Reads the list page by page. Returns why the list is not complete, or undefined. Errors: those of the API. */
async function walk(
  api: ListDeps['api'],
  { horizon, account }: BatchSearch,
  see: (batch: ObservedBatch) => void,
): Promise<Error | undefined> {
  const read = new Set<string>();
  let after: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const page = await api.listBatches({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    if (account !== undefined && !isSameAccount(page.account, account)) return incomplete(OTHER_ACCOUNT);
    for (const batch of page.batches) see(batch);
    if (!page.hasMore) return undefined;
    const times = page.batches.flatMap(({ createdAt }) => createdAt ?? []);
    const isBehind = horizon !== undefined && times.every((createdAt) => createdAt < horizon);
    if (isBehind && times.length > 0) return undefined;
    if (page.next === undefined || read.has(page.next))
      return incomplete('the list has more and cannot be continued');
    read.add(page.next);
    after = page.next;
  }
  return incomplete(`the list has more than ${MAX_PAGES} pages`);
}

const OTHER_ACCOUNT = "the key belongs to another account than the batch's file; use the key of that account";

function incomplete(why: string): RetryableError {
  return new RetryableError(`search for a batch: ${why}`);
}

function isOurs({ metadata, inputFileId }: ObservedBatch, { intentIds, fileIds }: BatchSearch): boolean {
  const { batchdrop_intent: intentId } = metadata;
  if (intentId !== undefined && intentIds.has(intentId)) return true;
  return inputFileId !== undefined && fileIds.has(inputFileId);
}

function oldestFirst(found: ReadonlyMap<string, ObservedBatch>): ObservedBatch[] {
  return [...found.values()].sort(
    (a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0) || (a.batchId < b.batchId ? -1 : 1),
  );
}
