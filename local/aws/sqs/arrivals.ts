import type { Clock } from '../../clock.ts';

/** What the arrivals need to know about a queue. */
interface Arrivals {
  readonly clock: Clock;
  /** Returns when the next hidden message becomes visible; undefined if none is hidden. */
  nextVisibleAt(): number | undefined;
}

/**
 * Notifies the listeners of a queue that a message may be receivable, because one was sent or became visible again. A
 * timer runs only while there are listeners.
 */
export class ArrivalBell {
  readonly #arrivals: Arrivals;
  readonly #listeners = new Set<() => void>();
  #cancelTimer: (() => void) | undefined;

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.rearm();
    return () => {
      this.#listeners.delete(listener);
      this.rearm();
    };
  }

  /** Notifies the listeners that a message can be received now. */
  ring(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Call this whenever a message was hidden or its visibility time-out changed. */
  rearm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#listeners.size === 0) return;
    const next = this.#arrivals.nextVisibleAt();
    if (next === undefined) return;
    this.#cancelTimer = this.#arrivals.clock.at(next, () => {
      this.rearm();
      this.ring();
    });
  }

  silence(): void {
    this.#listeners.clear();
    this.rearm();
  }
}
