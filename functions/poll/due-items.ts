import { DUE_SHARDS, type DueItem } from '../shared/domain/ledger-records.ts';
import { inParallel } from '../shared/lifecycle/in-parallel.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import type { Tick } from './tick.ts';
import { shardAfter } from './tick-lease.ts';

const AT_ONCE = 32; // items side by side, a dozen short calls each
const PER_SHARD = 8_000; // with sixteen of them 128,000; an entry takes a few hundred bytes of memory

interface DueInShard {
  shard: number;
  item: DueItem;
}

/**
 * What the `due` index says has to be served in a tick, shard after shard, beginning at the one that the tick before did not
 * get to.
 *
 * Known gap: of one shard no more than `PER_SHARD` items are seen, those that have been due longest.
 */
export class DueItems {
  readonly #deps: Pick<Ports, 'ledger' | 'clock'>;
  readonly #tick: Tick;
  readonly #firstShard: number;
  /** Shards that are yet to be read. */
  readonly #shards: number[];
  /** Items that are yet to be served, in the order of the shards. */
  #items: DueInShard[] = [];
  #isComplete = true;

  constructor(deps: Pick<Ports, 'ledger' | 'clock'>, tick: Tick, firstShard: number) {
    this.#deps = deps;
    this.#tick = tick;
    this.#firstShard = firstShard;
    this.#shards = Array.from({ length: DUE_SHARDS }, (_, index) => (firstShard + index) % DUE_SHARDS);
  }

  get isEmpty(): boolean {
    return this.#shards.length + this.#items.length === 0;
  }

  /** Every shard was read. */
  get sawAll(): boolean {
    return this.#isComplete && this.#shards.length === 0;
  }

  /** Where the next tick has to begin. */
  get nextShard(): number {
    return this.#items[0]?.shard ?? this.#shards[0] ?? shardAfter(this.#firstShard);
  }

  /** Reads one shard at least, one after the other: what they cost is then known before the next. */
  async read(until: number, seen: (item: DueItem) => 'taken' | 'to-serve'): Promise<void> {
    for (let read = 0; this.#shards.length > 0; read += 1) {
      if (read > 0 && this.#deps.clock.now() >= until) return;
      const shard = this.#shards[0] ?? 0;
      for (const item of await this.#dueIn(shard))
        if (seen(item) === 'to-serve') this.#items.push({ shard, item });
      this.#shards.shift();
    }
  }

  /** Serves the items read so far; what time does not allow stays. */
  async serve(until: number, { signal }: Deadline, work: (item: DueItem) => Promise<void>): Promise<void> {
    const left: DueInShard[] = [];
    await inParallel(this.#items, AT_ONCE, async (due) => {
      if (this.#deps.clock.now() >= until || signal.aborted) left.push(due);
      else await work(due.item);
    });
    this.#items = left;
  }

  /** Nothing when the shard cannot be read: the others are served all the same. */
  async #dueIn(shard: number): Promise<DueItem[]> {
    try {
      return await this.#deps.ledger.due(shard, this.#deps.clock.now(), PER_SHARD);
    } catch (failure) {
      this.#isComplete = false;
      this.#tick.noteBroken('shard_not_read', { shard }, failure);
      return [];
    }
  }
}
