import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { BatchPage } from '../../shared/ports/ports.ts';

/** A position in the list: after this batch. */
export interface Target {
  batchId: string;
  createdAt: number;
}

/** A part of the list, as a page showed it. */
interface Range {
  end: Target;
  /** The fraction of the page's batches that are our open ones. */
  share: number;
  /** How many batches of all programs there are per millisecond. */
  rate: number;
}

const DENSE = 0.9; // from this share on, our batches are adjacent, whatever their times are

/**
 * Estimates where our batches are in the API's list, from the pages read so far. Times are in whole seconds, and the
 * order within a second is not known. Batches of the same second may therefore be before or after a position.
 */
export class BatchListIndex {
  /** Newest first. */
  readonly #open: readonly OpenBatch[];
  /** Newest first. */
  readonly #ranges: Range[] = [];

  constructor(open: readonly OpenBatch[]) {
    this.#open = open;
  }

  /** Records a page. `ours`: how many of its batches are our open ones. */
  learn(page: BatchPage, ours: number): void {
    const { length } = page.batches;
    const first = page.batches.find(({ createdAt }) => createdAt !== undefined)?.createdAt;
    const end = endOf(page);
    if (first === undefined || !end) return;
    const rate = length / Math.max(1, first - end.createdAt);
    const place = firstOf(this.#ranges, (range) => range.end.createdAt <= end.createdAt);
    this.#ranges.splice(place, 0, { end, share: ours / length, rate });
  }

  /**
   * Returns the nearest known position before one of our batches: after one that `mayBeNamed` allows, or the end of a
   * page.
   */
  placeBefore(index: number, mayBeNamed: (index: number) => boolean): Target | undefined {
    const createdAt = this.#open[index]?.createdAt ?? 0;
    let before = this.firstAt(createdAt) - 1;
    while (before >= 0 && !mayBeNamed(before)) before -= 1;
    const named = this.#open[before];
    const end = this.#ranges[firstOf(this.#ranges, ({ end }) => end.createdAt <= createdAt) - 1]?.end;
    return named && (!end || named.createdAt < end.createdAt) ? named : end;
  }

  /** Returns the estimated number of batches from the position to one of our batches, including that batch. */
  distance(place: Target, index: number): number {
    const here = this.firstAt(place.createdAt);
    const atLeast = index - here + (this.#open[here]?.createdAt === place.createdAt ? 0 : 1);
    const near = this.#nearest(place);
    if (!near) return atLeast;
    const byTime = near.rate * (place.createdAt - (this.#open[index]?.createdAt ?? 0));
    const byShare = near.share >= DENSE ? atLeast / near.share : Number.POSITIVE_INFINITY;
    return Math.max(atLeast, Math.min(byTime, byShare));
  }

  /** Returns the index of our first batch that is not newer. */
  firstAt(createdAt: number): number {
    return firstOf(this.#open, (open) => open.createdAt <= createdAt);
  }

  #nearest({ createdAt }: Target): Range | undefined {
    const older = firstOf(this.#ranges, ({ end }) => end.createdAt <= createdAt);
    const [before, behind] = [this.#ranges[older - 1], this.#ranges[older]];
    if (!before || !behind) return before ?? behind;
    return before.end.createdAt - createdAt < createdAt - behind.end.createdAt ? before : behind;
  }
}

/** Returns the position after a page; undefined if no batch on the page has a time. */
export function endOf({ batches, next }: BatchPage): Target | undefined {
  for (const { batchId, createdAt } of batches.toReversed())
    if (createdAt !== undefined) return { batchId: next ?? batchId, createdAt };
  return undefined;
}

/** Returns the index of the first item for which `isBehind` is true. It must be true for all items after it. */
function firstOf<T>(items: readonly T[], isBehind: (item: T) => boolean): number {
  let [from, to] = [0, items.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    const item = items[middle];
    if (item !== undefined && isBehind(item)) to = middle;
    else from = middle + 1;
  }
  return from;
}
