import { DUE_SHARDS, type DueItem } from '../shared/domain/ledger-records.ts';
import { inParallel } from '../shared/lifecycle/in-parallel.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import type { Tick } from './tick.ts';
import { shardAfter } from './tick-lease.ts';

const AT_ONCE = 32; // items in parallel, each with up to a dozen short calls
const PER_SHARD = 32_000; // 128,000 over four shards; an entry takes a few hundred bytes of memory

interface DueInShard {
  shard: number;
  item: DueItem;
}

/**
 * Reads the items of the `due` index in one tick, shard after shard, and passes them on to be handled. It begins at the
 * shard that the last tick did not reach.
 *
 * Known gap: a tick reads at most `PER_SHARD` items of a shard, the longest overdue ones.
 */
export class DueItems {
  readonly #deps: Pick<Ports, 'ledger' | 'clock'>;
  readonly #tick: Tick;
  readonly #firstShard: number;
  /** The shards that are not read yet. */
  readonly #shards: number[];
  /** The items that are not handled yet, in the order of the shards. */
  #items: DueInShard[] = [];
  #isComplete = true;
  #hasFound = false;

  constructor(deps: Pick<Ports, 'ledger' | 'clock'>, tick: Tick, firstShard: number) {
    this.#deps = deps;
    this.#tick = tick;
    this.#firstShard = firstShard;
    this.#shards = Array.from({ length: DUE_SHARDS }, (_, index) => (firstShard + index) % DUE_SHARDS);
  }

  get isEmpty(): boolean {
    return this.#shards.length + this.#items.length === 0;
  }

  /** Whether all shards were read. */
  get sawAll(): boolean {
    return this.#isComplete && this.#shards.length === 0;
  }

  /** Whether all shards were read, and nothing was due. */
  get foundNothing(): boolean {
    return this.sawAll && !this.#hasFound;
  }

  /** The shard at which the next tick begins. */
  get nextShard(): number {
    return this.#items[0]?.shard ?? this.#shards[0] ?? shardAfter(this.#firstShard);
  }

  /** Reads shards one after the other until the time `until`, but at least one. */
  async read(until: number, seen: (item: DueItem) => 'taken' | 'to-serve'): Promise<void> {
    for (let read = 0; this.#shards.length > 0; read += 1) {
      if (read > 0 && this.#deps.clock.now() >= until) return;
      const shard = this.#shards[0] ?? 0;
      for (const item of await this.#dueIn(shard)) {
        this.#hasFound = true;
        if (seen(item) === 'to-serve') this.#items.push({ shard, item });
      }
      this.#shards.shift();
    }
  }

  /** Handles the items read so far until the time `until`. The others remain. */
  async serve(until: number, { signal }: Deadline, work: (item: DueItem) => Promise<void>): Promise<void> {
    const remaining: DueInShard[] = [];
    await inParallel(this.#items, AT_ONCE, async (due) => {
      if (this.#deps.clock.now() >= until || signal.aborted) remaining.push(due);
      else await work(due.item);
    });
    this.#items = remaining;
  }

  /** Returns the due items of a shard. Returns none if the read fails, so that the other shards are still handled. */
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
