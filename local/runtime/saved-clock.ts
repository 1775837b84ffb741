import { VirtualClock } from '../clock.ts';
import type { DataDirectory } from './data-directory.ts';

const SAVE_EVERY_MS = 1_000; // of wall time
const SAVED_AHEAD_MS = 5_000; // of wall time: enough for a busy second; a killed runtime jumps ahead by this much

/** A clock that continues from the data directory's last run and never goes back, even after a kill. */
export class SavedClock {
  readonly clock: VirtualClock;
  readonly #data: DataDirectory;
  readonly #saving: NodeJS.Timeout;

  constructor(data: DataDirectory, speed: number) {
    this.clock = new VirtualClock({ speed, start: Math.max(Date.now(), data.time) });
    this.#data = data;
    const save = () => data.saveTime(this.clock.now() + SAVED_AHEAD_MS * speed);
    save();
    this.#saving = setInterval(save, SAVE_EVERY_MS);
  }

  /** Stops the clock and saves its exact time. */
  close(): void {
    clearInterval(this.#saving);
    this.clock.close();
    this.#data.saveTime(this.clock.now());
  }
}
