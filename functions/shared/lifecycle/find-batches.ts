import { RetryableError } from '../domain/errors.ts';
import { isSameAccount } from '../domain/openai-account.ts';
import type { ObservedBatch } from '../domain/part.ts';
import { SEARCH_MARGIN_MS } from '../domain/timing.ts';
import type { Ports } from '../ports/ports.ts';

const PAGE = 100; // the API's largest
const MAX_PAGES = 500; // 50,000 batches: a day at OpenAI's hourly limit

/**
 * Searches the API's list, from the newest batch back to 15 minutes before `since`, for batches on the given files, and
 * returns them, oldest first. `account` undefined: any account. Errors: RetryableError when the list is not complete or
 * belongs to another account, so that an empty result is certain; those of the API.
 */
export async function findBatches(
  { api }: Pick<Ports, 'api'>,
  search: { fileIds: ReadonlySet<string>; since: number; account: string | undefined },
): Promise<ObservedBatch[]> {
  const oldest = search.since - SEARCH_MARGIN_MS;
  const found = new Map<string, ObservedBatch>();
  const seen = new Set<string>();
  let after: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const page = await api.listBatches({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    if (search.account !== undefined && !isSameAccount(page.account, search.account)) {
      throw new RetryableError(
        "search for a batch: the key belongs to another account than the batch's file; use the key of that account",
      );
    }
    for (const batch of page.batches) {
      if (batch.inputFileId !== undefined && search.fileIds.has(batch.inputFileId))
        found.set(batch.batchId, batch);
    }
    if (!page.hasMore) return oldestFirst(found);
    const times = page.batches.flatMap(({ createdAt }) => createdAt ?? []);
    if (times.length > 0 && times.every((createdAt) => createdAt < oldest)) return oldestFirst(found);
    if (page.next === undefined || seen.has(page.next))
      throw new RetryableError('search for a batch: the list cannot be continued, although it has more');
    seen.add(page.next);
    after = page.next;
  }
  throw new RetryableError(`search for a batch: the list has more than ${MAX_PAGES} pages`);
}

function oldestFirst(found: Map<string, ObservedBatch>): ObservedBatch[] {
  return [...found.values()].sort(
    (a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0) || (a.batchId < b.batchId ? -1 : 1),
  );
}
