import { setImmediate as macrotask } from 'node:timers/promises';

interface Entry {
  time: number;
  action: () => void;
}

/** Everything that is scheduled, in order of time. No time passes while an entry runs. */
export class Timeline {
  #now = Date.UTC(2026, 10, 1);
  /** Latest first. Of several entries at the same time, the one added last comes first. */
  readonly #entries: Entry[] = [];

  now(): number {
    return this.#now;
  }

  at(time: number, action: () => void): void {
    const due = Math.max(time, this.#now);
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.time ?? 0) > due) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, { time: due, action });
  }

  /** Runs the next entry, and everything that follows from it immediately. Returns false when nothing is left. */
  async next(): Promise<boolean> {
    const entry = this.#entries.pop();
    if (!entry) return false;
    this.#now = entry.time;
    entry.action();
    await macrotask(); // by then, every promise that can continue has continued
    return true;
  }
}
