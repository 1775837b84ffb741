/**
 * Observes many open batches by few calls: pages of the API's list, asked for side by side, each beginning behind a batch
 * that is known. Pure: it says which calls to make, and is told their answers.
 *
 *   0. first    what the survey before did not come to is retrieved: nothing waits twice for a list that disappoints
 *   1. scout    the newest page, alone: it tells whether the list can be used, and how it is filled
 *   2. windows  round by round, a page wherever one is expected to hold two of ours; what lies alone is retrieved. The
 *               pages of the rounds before say how far apart ours lie.
 *   3. pages    more windows failed than held: page after page, as any list can be read
 *   4. singles  what is left is retrieved one by one
 *
 * A page is believed only for a batch of its own account, and only if the object is whole; what it should have shown and
 * did not is retrieved. There are never more calls than open batches: what a list that disappoints costs in calls is left
 * for the next survey, and that is not always the same.
 *
 * Known gaps: that any id may stand in `after` is documented, not tried against the real API. Where ours lie alone among
 * a hundred others each, pages save nothing.
 */
import { hasEnded } from '../../shared/contract/batch-status.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { ObservedBatch } from '../../shared/domain/part.ts';
import type { BatchPage } from '../../shared/ports/ports.ts';
import { BatchListIndex, type Target } from './batch-list-index.ts';

const PAGE = 100; // the API's largest
const FEW = 2; // so many are retrieved at once: a page saves a call at most, and may cost one
const MAX_LEFT = 200; // ids of 40 bytes in an item that is written twice a minute
const PATIENCE = 2; // calls for pages that may show nothing before they are given up

/** A page; without `after` it begins with the newest batch. */
export interface ListCall {
  do: 'list';
  limit: number;
  after?: Target;
}

export type SurveyCall = ListCall | { do: 'retrieve'; open: OpenBatch };

/** What was seen of one of ours. */
export interface Sighting {
  open: OpenBatch;
  observed: ObservedBatch;
}

export class BatchListSurvey {
  /** Newest first. */
  readonly #open: readonly OpenBatch[];
  readonly #indexOf: ReadonlyMap<string, number>;
  /** `listed`: a page may show it; `unlisted`: only a retrieve will; `served`: it was seen, or is being retrieved. */
  readonly #states: ('listed' | 'unlisted' | 'served')[];
  readonly #map: BatchListIndex;
  readonly #rotation: number;
  /** Indexes of those that a survey before did not come to. */
  #first: number[];
  #phase: 'scout' | 'windows' | 'pages' | 'singles';
  #calls = 0;
  /** Pages of the present round. */
  #failed = 0;
  #held = 0;
  /** How many batches a page of this API holds. */
  #reach = PAGE;
  /** Where page after page has come to. */
  #pageEnd: Target | undefined;

  /** `rotation`, from 0 to 1, says where in a round to begin; `first` names batches that must not wait once more. */
  constructor(open: readonly OpenBatch[], rotation: number, first: readonly string[] = []) {
    this.#open = open.toSorted((a, b) => b.createdAt - a.createdAt);
    this.#indexOf = new Map(this.#open.map(({ batchId }, index) => [batchId, index]));
    this.#states = this.#open.map(() => 'listed');
    this.#map = new BatchListIndex(this.#open);
    this.#rotation = rotation;
    this.#first = first.flatMap((batchId) => this.#indexOf.get(batchId) ?? []);
    this.#phase = open.length > FEW ? 'scout' : 'singles';
  }

  /** Some of those that the survey did not come to, for the next one to begin with. */
  left(): string[] {
    const left = this.#rotated(this.#unserved()).slice(0, MAX_LEFT);
    return left.flatMap((index) => this.#open[index]?.batchId ?? []);
  }

  /** The calls of the next round, to be made side by side; none when the survey is over. */
  next(): SurveyCall[] {
    const calls = this.#round();
    this.#calls += calls.length;
    return calls;
  }

  /** Answers what the page shows of ours. */
  noteList(call: ListCall, page: BatchPage): Sighting[] {
    if (page.hasMore && page.batches.length < call.limit) this.#reach = Math.max(1, page.batches.length);
    if (call.after?.batchId === this.#pageEnd?.batchId) {
      this.#pageEnd = page.hasMore ? page.batches.at(-1) : undefined;
    }
    const ours = page.batches.flatMap((observed) => this.#indexOf.get(observed.batchId) ?? []);
    if (this.#isOutOfPlace(call, ours)) {
      this.noteFailed();
      return [];
    }
    this.#held += 1;
    this.#map.learn(page.batches, ours.length);
    const sightings = page.batches.flatMap((observed) => this.#sighting(observed, page.account));
    this.#noteMissing(call, page);
    if (this.#phase === 'pages' && sightings.length < PATIENCE) this.#phase = 'singles';
    return sightings;
  }

  /** The page did not come, or is not the one that was asked for. */
  noteFailed(): void {
    this.#failed += 1;
    if (this.#phase === 'pages') this.#phase = 'singles';
  }

  #round(): SurveyCall[] {
    if (this.#first.length > 0) {
      const first = this.#first;
      this.#first = [];
      return this.#retrieves(first, 0);
    }
    if (this.#phase === 'scout') {
      this.#phase = this.#unserved().length > FEW ? 'windows' : 'singles';
      if (this.#phase === 'windows') return [{ do: 'list', limit: PAGE }];
    }
    if (this.#phase === 'windows' && this.#failed > this.#held) this.#phase = 'pages';
    this.#failed = 0;
    this.#held = 0;
    const planned = this.#phase === 'windows' ? this.#plan() : [];
    if (planned.length > 0) return planned;
    if (this.#phase === 'pages' && this.#pageEnd && this.#unserved().length > FEW) {
      return [{ do: 'list', limit: PAGE, after: this.#pageEnd }];
    }
    this.#phase = 'singles';
    return this.#retrieves(this.#unserved(), 0);
  }

  /** Windows where they are expected to pay, and retrieves of what lies alone. */
  #plan(): SurveyCall[] {
    const windows: ListCall[] = [];
    const alone: number[] = [];
    for (let index = 0; index < this.#open.length; index += 1) {
      if (this.#states[index] === 'unlisted') alone.push(index);
      if (this.#states[index] !== 'listed') continue;
      const after = this.#map.placeBefore(index, (named) => this.#states[named] !== 'unlisted');
      const last = after ? this.#lastWithin(after, index) : index;
      if (after && last > index) windows.push({ do: 'list', limit: PAGE, after });
      else alone.push(index);
      index = last;
    }
    // Should all of them show nothing, what is left can still be retrieved within the bound, nearly.
    const affordable = Math.max(0, this.#open.length - this.#calls - this.#unserved().length + PATIENCE);
    const afforded = this.#rotated(windows).slice(0, affordable);
    return [...afforded, ...this.#retrieves(alone, afforded.length)];
  }

  /** The last of ours that a page behind the place is expected to show, if there is one beside `from`. */
  #lastWithin(place: Target, from: number): number {
    let last = from;
    for (let index = from; index < this.#open.length; index += 1) {
      if (this.#map.distance(place, index) > this.#reach) break;
      if (this.#states[index] === 'listed') last = index;
    }
    return last;
  }

  #retrieves(indexes: readonly number[], besides: number): SurveyCall[] {
    const affordable = Math.max(0, this.#open.length - this.#calls - besides);
    return this.#rotated(indexes)
      .slice(0, affordable)
      .flatMap((index) => {
        this.#states[index] = 'served';
        const open = this.#open[index];
        return open ? [{ do: 'retrieve' as const, open }] : [];
      });
  }

  #sighting(observed: ObservedBatch, account: string): Sighting[] {
    const index = this.#indexOf.get(observed.batchId);
    const open = index === undefined ? undefined : this.#open[index];
    if (index === undefined || !open || this.#states[index] === 'served') return [];
    const isOurs = open.account === undefined || open.account === account;
    this.#states[index] = isOurs && isWhole(observed) ? 'served' : 'unlisted';
    return this.#states[index] === 'served' ? [{ open, observed }] : [];
  }

  /** What lies within the page and is not on it will be on no other. */
  #noteMissing({ after }: ListCall, { batches, hasMore }: BatchPage): void {
    const from = after ? this.#map.firstAt(after.createdAt) : 0;
    const last = batches.at(-1);
    const to = hasMore && last ? this.#map.firstAt(last.createdAt) : this.#open.length;
    for (let index = from; index < to; index += 1) {
      const isBehind = after === undefined || (this.#open[index]?.createdAt ?? 0) < after.createdAt;
      if (isBehind && this.#states[index] === 'listed') this.#states[index] = 'unlisted';
    }
  }

  /** A page behind a place shows nothing of ours that is newer. */
  #isOutOfPlace({ after }: ListCall, ours: readonly number[]): boolean {
    if (after === undefined) return false;
    return ours.some((index) => (this.#open[index]?.createdAt ?? 0) > after.createdAt);
  }

  #unserved(): number[] {
    return this.#states.flatMap((state, index) => (state === 'served' ? [] : index));
  }

  #rotated<T>(items: readonly T[]): T[] {
    const first = Math.floor(this.#rotation * items.length);
    return [...items.slice(first), ...items.slice(0, first)];
  }
}

/**
 * Whether a list says as much of a batch as a retrieve would: of one that has ended all that its delivery goes by. A
 * vendor's list may leave out what is long.
 */
function isWhole({ status, counts, outputFileId, errorFileId, errorCount }: ObservedBatch): boolean {
  if (!hasEnded(status)) return true;
  if (status === 'failed') return errorCount > 0;
  if (!counts) return false;
  const { total, completed } = counts;
  return (
    (completed === 0 || outputFileId !== undefined) && (completed === total || errorFileId !== undefined)
  );
}
