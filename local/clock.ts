import { availableParallelism } from 'node:os';

/** Visibility time-outs, schedules and batches of the local runtime use it. */
export interface Clock {
  /** Milliseconds since the epoch; never goes backwards. */
  now(): number;
  /** Runs `action` at `time` (milliseconds since the epoch, by this clock). Returns a function that cancels it. */
  at(time: number, action: () => void): () => void;
}

/** What the clock said at one moment, from which another process computes its time until the rate changes. */
export interface ClockReading {
  /** Milliseconds since the epoch, by the clock. */
  readonly time: number;
  /** The same moment by the wall clock. */
  readonly wall: number;
  /** Milliseconds of the clock in each of the wall clock. */
  readonly rate: number;
}

interface Timer {
  readonly time: number;
  readonly action: () => void;
}

/** `work` takes a core. An awaited `answer` takes none: a function of this runtime that gives it holds the clock itself. */
type HeldFor = 'work' | 'answer';

interface Holder {
  readonly heldFor: HeldFor;
  isShort: boolean;
}

/** Wall time for which work counts as short: several times what an invocation for a small file takes. */
const SHORT_WORK_MS = 500;
/** The rate beside short work, which adds 14.5 s at most to what a time-out or lease measures. */
const RATE_BESIDE_WORK = 30;
const MAX_TIMEOUT_MS = 2 ** 31 - 1; // setTimeout's limit; a longer wait sets a new timer when it ends

/**
 * The clock of a runtime. It runs `speed` times as fast as the wall clock while nothing computes, and at normal speed
 * otherwise. So waiting is sped up but work is not, and a function's time-out, lease and upload mean the same as in the
 * cloud. Beside short work that leaves cores idle, it runs up to 30 times as fast, so that what comes next is not kept
 * waiting (ADR 0031). `start` continues the time of an earlier run.
 */
export class VirtualClock implements Clock {
  readonly speed: number;
  readonly #cores: number;
  readonly #holders = new Set<Holder>();
  readonly #followers = new Set<(reading: ClockReading) => void>();
  #rate: number;
  #wallAnchor = performance.now();
  #timeAnchor: number;
  readonly #timers = new Set<Timer>();
  #wake: { readonly time: number; readonly handle: NodeJS.Timeout } | undefined;

  constructor(options: { speed?: number; start?: number; cores?: number } = {}) {
    this.speed = options.speed ?? 1;
    this.#rate = this.speed;
    this.#timeAnchor = options.start ?? Date.now();
    this.#cores = options.cores ?? availableParallelism();
  }

  now(): number {
    return Math.floor(this.#exactTime());
  }

  /** The time, and how it goes on. */
  get reading(): ClockReading {
    return { time: this.#exactTime(), wall: Date.now(), rate: this.#rate };
  }

  at(time: number, action: () => void): () => void {
    const timer: Timer = { time, action };
    this.#timers.add(timer);
    if (this.#wake === undefined || time < this.#wake.time) this.#arm();
    return () => {
      if (this.#timers.delete(timer) && this.#timers.size === 0) this.#arm();
    };
  }

  /** Slows time down until the returned function is called, because something computes or an answer is awaited. */
  hold(heldFor: HeldFor = 'work'): () => void {
    const holder: Holder = { heldFor, isShort: true };
    this.#holders.add(holder);
    const ageing = setTimeout(() => {
      holder.isShort = false;
      this.#adaptRate();
    }, SHORT_WORK_MS);
    ageing.unref();
    this.#adaptRate();
    return () => {
      clearTimeout(ageing);
      if (this.#holders.delete(holder)) this.#adaptRate();
    };
  }

  /** Calls `follower` after each change of the rate until the returned function is called. */
  follow(follower: (reading: ClockReading) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** Cancels every timer. */
  close(): void {
    this.#timers.clear();
    this.#arm();
  }

  #exactTime(): number {
    return this.#timeAnchor + (performance.now() - this.#wallAnchor) * this.#rate;
  }

  #adaptRate(): void {
    const rate = this.#rightRate();
    if (rate === this.#rate) return;
    const wall = performance.now();
    this.#timeAnchor += (wall - this.#wallAnchor) * this.#rate;
    this.#wallAnchor = wall;
    this.#rate = rate;
    this.#arm();
    for (const follower of this.#followers) follower(this.reading);
  }

  #rightRate(): number {
    if (this.#holders.size === 0) return this.speed;
    const holders = [...this.#holders];
    const leavesCores =
      holders.every(({ isShort }) => isShort) &&
      holders.filter(({ heldFor }) => heldFor === 'work').length <= this.#cores;
    return leavesCores ? Math.min(this.speed, RATE_BESIDE_WORK) : 1;
  }

  /** Sets the one timer of the wall clock, for the earliest time. */
  #arm(): void {
    clearTimeout(this.#wake?.handle);
    this.#wake = undefined;
    if (this.#timers.size === 0) return;
    let time = Number.POSITIVE_INFINITY;
    for (const timer of this.#timers) time = Math.min(time, timer.time);
    const wait = Math.ceil(Math.max(0, (time - this.#exactTime()) / this.#rate));
    const handle = setTimeout(() => this.#runDue(), Math.min(wait, MAX_TIMEOUT_MS));
    this.#wake = { time, handle };
  }

  #runDue(): void {
    const now = this.now();
    const due = [...this.#timers].filter(({ time }) => time <= now).sort((a, b) => a.time - b.time);
    try {
      for (const timer of due) if (this.#timers.delete(timer)) timer.action();
    } finally {
      this.#arm(); // if an action throws, the others are still due
    }
  }
}
