/**
 * Observes many open batches with few calls: pages of the API's list, requested in parallel, each after a known batch.
 * Pure: it returns the calls to make, and receives their responses.
 *
 *   0. first    retrieve the batches that the last survey did not reach, so that none is missed twice
 *   1. scout    request the newest page alone: it shows whether the list is usable, and how dense our batches are
 *   2. windows  in rounds: request a page wherever it should show at least two of our batches, and retrieve isolated
 *               ones. The pages of earlier rounds show how far apart our batches are.
 *   3. pages    if more windows failed than succeeded: request page after page
 *   4. singles  retrieve the remaining batches one by one
 *
 * A page counts only for batches of its own account, and only for complete batch objects. A batch that a page should
 * have shown and did not is retrieved. So the order of a page and its times only affect how many calls are made. A
 * survey makes at most as many calls as there are open batches. If pages fail, some batches may therefore be unobserved
 * until the next survey; `rotation` varies which ones.
 *
 * Known gaps: the API's documentation allows any batch id in `after`, but this is not tested against the real API. If
 * each of our batches is among a hundred others, pages save no calls.
 */
import { hasEnded } from '../../shared/contract/batch-status.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import { isSameAccount } from '../../shared/domain/openai-account.ts';
import type { ObservedBatch } from '../../shared/domain/part.ts';
import type { BatchPage } from '../../shared/ports/ports.ts';
import { BatchListIndex, endOf, type Target } from './batch-list-index.ts';

const PAGE = 100; // the API's maximum
const FEW = 2; // up to this many are retrieved without a page, which would save at most one call and may cost one
const MAX_UNOBSERVED = 200; // ids of 40 bytes, in an item that is written twice per minute
const MIN_PER_PAGE = 2; // a page that shows fewer of our batches is not worth its call

/** A call for a page of the list. Without `after`, it begins with the newest batch. */
export interface ListCall {
  do: 'list';
  limit: number;
  after?: Target;
}

export type SurveyCall = ListCall | { do: 'retrieve'; open: OpenBatch };

/** One of our batches, as a page showed it. */
export interface Sighting {
  open: OpenBatch;
  observed: ObservedBatch;
}

export class BatchListSurvey {
  /** Newest first. */
  readonly #open: readonly OpenBatch[];
  readonly #indexOf: ReadonlyMap<string, number>;
  /**
   * `listed`: a page may show it. `unlisted`: only a retrieve shows it. `served`: it was observed or is being
   * retrieved.
   */
  readonly #states: ('listed' | 'unlisted' | 'served')[];
  readonly #map: BatchListIndex;
  readonly #rotation: number;
  /** The indexes of the batches that the last survey did not reach. */
  #first: number[];
  #phase: 'scout' | 'windows' | 'pages' | 'singles';
  #calls = 0;
  /** How many pages of the current round failed, and how many succeeded. */
  #failed = 0;
  #succeeded = 0;
  /** The number of batches on a page of this API. */
  #pageSize = PAGE;
  /** The end of the last page in the phase `pages`. */
  #pageEnd: Target | undefined;

  /**
   * `rotation`: a number from 0 to 1 that decides where a round begins. `first`: the ids of batches to retrieve first.
   */
  constructor(open: readonly OpenBatch[], rotation: number, first: readonly string[] = []) {
    this.#open = open.toSorted((a, b) => b.createdAt - a.createdAt);
    this.#indexOf = new Map(this.#open.map(({ batchId }, index) => [batchId, index]));
    this.#states = this.#open.map(() => 'listed');
    this.#map = new BatchListIndex(this.#open);
    this.#rotation = rotation;
    this.#first = first.flatMap((batchId) => this.#indexOf.get(batchId) ?? []);
    this.#phase = open.length > FEW ? 'scout' : 'singles';
  }

  /** Returns the ids of batches that the survey did not reach, at most 200. The next survey retrieves them first. */
  unobserved(): string[] {
    const indexes = this.#rotated(this.#unserved()).slice(0, MAX_UNOBSERVED);
    return indexes.flatMap((index) => this.#open[index]?.batchId ?? []);
  }

  /** Returns the calls of the next round, to be made in parallel; none if the survey is over. */
  next(): SurveyCall[] {
    const calls = this.#round();
    this.#calls += calls.length;
    return calls;
  }

  /** Records that a call was not made because the time was up. The batch that it would retrieve is not served. */
  noteNotMade(call: SurveyCall): void {
    const index = call.do === 'retrieve' ? this.#indexOf.get(call.open.batchId) : undefined;
    if (index !== undefined) this.#states[index] = 'unlisted';
  }

  /** Records a page, and returns our batches on it. */
  noteList(call: ListCall, page: BatchPage): Sighting[] {
    if (page.hasMore && page.batches.length < call.limit) this.#pageSize = Math.max(1, page.batches.length);
    if (call.after?.batchId === this.#pageEnd?.batchId) {
      this.#pageEnd = page.next === undefined ? undefined : endOf(page);
    }
    const ours = page.batches.flatMap((observed) => this.#indexOf.get(observed.batchId) ?? []);
    if (this.#isOutOfPlace(call, ours)) {
      this.noteFailed();
      return [];
    }
    if (page.hasMore && !endOf(page)) this.#failed += 1;
    else this.#succeeded += 1;
    this.#map.learn(page, ours.length);
    const sightings = page.batches.flatMap((observed) => this.#sighting(observed, page.account));
    this.#noteMissing(call, page);
    if (this.#phase === 'pages' && sightings.length < MIN_PER_PAGE) this.#phase = 'singles';
    return sightings;
  }

  /** Records that a page failed or is not the requested one. */
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
    if (this.#phase === 'windows' && this.#failed > this.#succeeded) this.#phase = 'pages';
    this.#failed = 0;
    this.#succeeded = 0;
    const planned = this.#phase === 'windows' ? this.#plan() : [];
    if (planned.length > 0) return planned;
    if (this.#phase === 'pages' && this.#pageEnd && this.#unserved().length > FEW) {
      return [{ do: 'list', limit: PAGE, after: this.#pageEnd }];
    }
    this.#phase = 'singles';
    return this.#retrieves(this.#unserved(), 0);
  }

  /** Returns windows where they should save calls, and retrieves of isolated batches. */
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
    // Even if no window shows anything, nearly all remaining batches can then still be retrieved within the maximum.
    const affordable = Math.max(0, this.#open.length - this.#calls - this.#unserved().length + MIN_PER_PAGE);
    const afforded = this.#rotated(windows).slice(0, affordable);
    return [...afforded, ...this.#retrieves(alone, afforded.length)];
  }

  /**
   * Returns the index of our last batch that a page after the position should show; `from` if there is no other one.
   */
  #lastWithin(place: Target, from: number): number {
    let last = from;
    for (let index = from; index < this.#open.length; index += 1) {
      if (this.#map.distance(place, index) > this.#pageSize) break;
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
    const isOurs = open.account === undefined || isSameAccount(open.account, account);
    this.#states[index] = isOurs && isWhole(observed) ? 'served' : 'unlisted';
    return this.#states[index] === 'served' ? [{ open, observed }] : [];
  }

  /** Marks the batches that the page should have shown and did not, because no other page will show them. */
  #noteMissing({ after }: ListCall, page: BatchPage): void {
    const from = after ? this.#map.firstAt(after.createdAt) : 0;
    const end = endOf(page);
    const to = !page.hasMore ? this.#open.length : end ? this.#map.firstAt(end.createdAt) : from;
    for (let index = from; index < to; index += 1) {
      const isBehind = after === undefined || (this.#open[index]?.createdAt ?? 0) < after.createdAt;
      if (isBehind && this.#states[index] === 'listed') this.#states[index] = 'unlisted';
    }
  }

  /** Returns whether the page is out of order: a page after a position must not show newer batches. */
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
 * Returns whether the listed batch has all fields that a delivery needs. A retrieved batch has them, but a vendor's
 * list may omit long ones.
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
