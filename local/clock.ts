/**
 * The clock of the local runtime. Visibility time-outs, schedules and batches use it. It runs `speed` times as fast
 * as the wall clock while nothing computes, and at normal speed otherwise. So waiting is sped up but work is not, and a
 * function's time-out, lease and upload mean the same as in the cloud.
 */
export interface Clock {
  /** Milliseconds since the epoch; never goes backwards. */
  now(): number;
  /** Runs `action` at `time` (milliseconds since the epoch, by this clock). Returns a function that cancels it. */
  at(time: number, action: () => void): () => void;
}

interface Timer {
  readonly time: number;
  readonly action: () => void;
  handle: NodeJS.Timeout | undefined;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // setTimeout's limit; a longer wait sets a new timer when it ends

/** The clock of a runtime. `start` continues the time of an earlier run. */
export class VirtualClock implements Clock {
  readonly speed: number;
  #holders = 0;
  #wallAnchor = performance.now();
  #timeAnchor: number;
  readonly #timers = new Set<Timer>();

  constructor(options: { speed?: number; start?: number } = {}) {
    this.speed = options.speed ?? 1;
    this.#timeAnchor = options.start ?? Date.now();
  }

  now(): number {
    return Math.floor(this.#timeAnchor + (performance.now() - this.#wallAnchor) * this.#rate());
  }

  at(time: number, action: () => void): () => void {
    const timer: Timer = { time, action, handle: undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      clearTimeout(timer.handle);
      this.#timers.delete(timer);
    };
  }

  /** Makes time run at normal speed until the returned function is called, because something computes. */
  hold(): () => void {
    this.#changeHolders(1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#changeHolders(-1);
    };
  }

  /** Cancels every timer. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer.handle);
    this.#timers.clear();
  }

  #rate(): number {
    return this.#holders > 0 ? 1 : this.speed;
  }

  #changeHolders(difference: 1 | -1): void {
    const rateBefore = this.#rate();
    const wall = performance.now();
    this.#timeAnchor += (wall - this.#wallAnchor) * rateBefore;
    this.#wallAnchor = wall;
    this.#holders += difference;
    if (this.#rate() === rateBefore) return;
    for (const timer of this.#timers) this.#arm(timer);
  }

  #arm(timer: Timer): void {
    clearTimeout(timer.handle);
    const wait = Math.max(0, (timer.time - this.now()) / this.#rate());
    timer.handle = setTimeout(
      () => {
        if (this.now() < timer.time) return this.#arm(timer);
        this.#timers.delete(timer);
        timer.action();
      },
      Math.min(Math.ceil(wait), MAX_TIMEOUT_MS),
    );
  }
}
