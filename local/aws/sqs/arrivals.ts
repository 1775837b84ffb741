import type { Clock } from '../../clock.ts';

/** What the arrivals of one queue need to know of it. */
interface Arrivals {
  readonly clock: Clock;
  /** When the next hidden message becomes visible, if any is hidden. */
  nextVisibleAt(): number | undefined;
}

/**
 * Tells those who wait on a queue that a message may be receivable: one was sent, or one came back.
 * A timer runs only while somebody listens.
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

  /** A message can be received now. */
  ring(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** To be called whenever a message was hidden or its hiding changed. */
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
