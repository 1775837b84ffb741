import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { ObservedBatch } from '../../shared/domain/part.ts';

/** A place in the list: behind this batch. */
export interface Target {
  batchId: string;
  createdAt: number;
}

/** What a page told of its neighbourhood. */
interface Range {
  end: Target;
  /** How much of the page is ours and open. */
  share: number;
  /** Batches of anybody in a millisecond. */
  rate: number;
}

const DENSE = 0.9; // from here on ours lie next to each other, however their times are spread

/**
 * Where ours lie in the API's list, as far as pages have told. Times are whole seconds, and nobody knows the order within
 * one: what may lie on either side of a place is not counted on.
 */
export class BatchListIndex {
  /** Newest first. */
  readonly #open: readonly OpenBatch[];
  /** Newest first. */
  readonly #stretches: Range[] = [];

  constructor(open: readonly OpenBatch[]) {
    this.#open = open;
  }

  learn(page: readonly ObservedBatch[], ours: number): void {
    const [first, last] = [page[0], page.at(-1)];
    if (!first || !last) return;
    const rate = page.length / Math.max(1, first.createdAt - last.createdAt);
    const place = firstOf(this.#stretches, ({ end }) => end.createdAt <= last.createdAt);
    this.#stretches.splice(place, 0, { end: last, share: ours / page.length, rate });
  }

  /** The nearest known place before one of ours: behind one that may be named, or the end of a page. */
  placeBefore(index: number, mayBeNamed: (index: number) => boolean): Target | undefined {
    const createdAt = this.#open[index]?.createdAt ?? 0;
    let before = this.firstAt(createdAt) - 1;
    while (before >= 0 && !mayBeNamed(before)) before -= 1;
    const named = this.#open[before];
    const end = this.#stretches[firstOf(this.#stretches, ({ end }) => end.createdAt <= createdAt) - 1]?.end;
    return named && (!end || named.createdAt < end.createdAt) ? named : end;
  }

  /** How many batches lie between the place and one of ours, itself counted: at least the ours among them. */
  distance(place: Target, index: number): number {
    const here = this.firstAt(place.createdAt);
    const atLeast = index - here + (this.#open[here]?.createdAt === place.createdAt ? 0 : 1);
    const near = this.#nearest(place);
    if (!near) return atLeast;
    const byTime = near.rate * (place.createdAt - (this.#open[index]?.createdAt ?? 0));
    const byShare = near.share >= DENSE ? atLeast / near.share : Number.POSITIVE_INFINITY;
    return Math.max(atLeast, Math.min(byTime, byShare));
  }

  /** Index of the first of ours that is not newer. */
  firstAt(createdAt: number): number {
    return firstOf(this.#open, (open) => open.createdAt <= createdAt);
  }

  #nearest({ createdAt }: Target): Range | undefined {
    const older = firstOf(this.#stretches, ({ end }) => end.createdAt <= createdAt);
    const [before, behind] = [this.#stretches[older - 1], this.#stretches[older]];
    if (!before || !behind) return before ?? behind;
    return before.end.createdAt - createdAt < createdAt - behind.end.createdAt ? before : behind;
  }
}

/** Index of the first item from which on `isBehind` holds. */
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
