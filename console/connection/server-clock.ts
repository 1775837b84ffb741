import { Store } from './store.ts';

const TICK_MS = 1_000;

/**
 * The time of the Batchdrop, in milliseconds. On one machine it can be simulated and run ahead of this computer's, so each
 * answer that states it sets the clock.
 */
export class ServerClock {
  readonly time: Store<number>;
  #ahead = 0;

  constructor(now: () => number = Date.now) {
    this.time = new Store(now());
    setInterval(() => this.time.set(now() + this.#ahead), TICK_MS);
  }

  /** `stated` is ISO 8601. */
  set(stated: string): void {
    this.#ahead = Date.parse(stated) - Date.now();
    this.time.set(Date.parse(stated));
  }
}
