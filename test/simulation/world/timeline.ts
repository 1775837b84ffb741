import { setImmediate as macrotask } from 'node:timers/promises';

interface Entry {
  time: number;
  action: () => void;
}

/** What is going to happen, in order of time; between two happenings no time passes that anybody sees. */
export class Timeline {
  #now = Date.UTC(2026, 10, 1);
  /** Latest first; of the same time, the one entered last comes first here. */
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

  /** Lets the next thing happen and all that follows at once from it; false when nothing is left. */
  async next(): Promise<boolean> {
    const entry = this.#entries.pop();
    if (!entry) return false;
    this.#now = entry.time;
    entry.action();
    await macrotask(); // every promise that can go on has gone on by then
    return true;
  }
}
