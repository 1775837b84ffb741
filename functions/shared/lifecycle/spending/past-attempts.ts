import { RetryableError } from '../../domain/errors.ts';
import type { Part } from '../../domain/part.ts';
import {
  nextPage,
  type PastAttempts,
  type WholePart,
  wholePart,
  withoutPage,
} from '../../domain/spending/past-attempts.ts';
import type { Ports } from '../../ports/ports.ts';
import { inParallel } from '../in-parallel.ts';
import type { LeasedPart } from '../lease.ts';

type Deps = Pick<Ports, 'ledger'>;

const PAGES_AT_ONCE = 16; // of one partition of the ledger, which allows thousands of reads per second

/**
 * Moves the earlier attempts out of the part's item if there are many. The page is written first. If an invocation
 * crashes after that, or loses a race, the next invocation finds the page and completes the move. Errors: those of the
 * ledger, LostLease.
 */
export async function movePastAttempts({ ledger }: Deps, leased: LeasedPart): Promise<void> {
  const next = nextPage(leased.item);
  if (!next) return;
  const page = (await ledger.createPast(next)) ? next : await ledger.readPast(leased.item, next.page);
  if (!page)
    throw new RetryableError(
      `part ${next.jobId}/${next.number}: page ${next.page} of its attempts is missing`,
    );
  await leased.change((part) => withoutPage(part, page));
}

/** Returns the pages of the part's earlier attempts, oldest first. Errors: RetryableError. */
export async function pagesOf({ ledger }: Deps, part: Part): Promise<PastAttempts[]> {
  const { pastPages = 0 } = part;
  const pages: PastAttempts[] = [];
  const numbers = Array.from({ length: pastPages }, (_, index) => index + 1);
  await inParallel(numbers, PAGES_AT_ONCE, async (page) => {
    const past = await ledger.readPast(part, page);
    if (!past)
      throw new RetryableError(`part ${part.jobId}/${part.number}: page ${page} of its attempts is missing`);
    pages[page - 1] = past;
  });
  return pages;
}

/** Returns the part with all its attempts. Errors: RetryableError. */
export async function withPast<P extends Part>(deps: Deps, part: P): Promise<WholePart<P>> {
  return wholePart(part, await pagesOf(deps, part));
}

/** Returns the parts with all their attempts. Errors: RetryableError. */
export async function allWithPast<P extends Part>(deps: Deps, parts: readonly P[]): Promise<WholePart<P>[]> {
  const whole: WholePart<P>[] = [];
  for (const part of parts) whole.push(await withPast(deps, part));
  return whole;
}

/** Returns those of the batches that the part does not know: not as its own, an earlier or a second one. */
export async function unknownOf<Batch extends { batchId: string }>(
  deps: Deps,
  part: Part,
  batches: readonly Batch[],
): Promise<Batch[]> {
  const unknown = batches.filter(({ batchId }) => !knows(part, batchId));
  if (unknown.length === 0 || part.pastPages === undefined) return unknown;
  const whole = await withPast(deps, part);
  return unknown.filter(({ batchId }) => !knows(whole, batchId));
}

/** Returns whether the part has the batch, or had it, or knows it as a second one; without those on its pages. */
export function knows({ batch, earlierBatchIds, secondBatchIds }: Part, batchId: string): boolean {
  return batch?.batchId === batchId || earlierBatchIds.includes(batchId) || secondBatchIds.includes(batchId);
}
