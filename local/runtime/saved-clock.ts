import { VirtualClock } from '../clock.ts';
import type { DataDirectory } from './data-directory.ts';

const SAVE_EVERY_MS = 1_000; // of the wall
const SAVED_AHEAD_MS = 5_000; // of the wall: outlasts a busy second, costs a killed runtime a jump of as much

/** A clock that goes on from where the data directory's last run was, and is never set back by a death. */
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

  /** Stops time and saves it exactly. */
  close(): void {
    clearInterval(this.#saving);
    this.clock.close();
    this.#data.saveTime(this.clock.now());
  }
}
