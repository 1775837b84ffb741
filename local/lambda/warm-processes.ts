import { availableParallelism } from 'node:os';
import { watchCores } from './core-load.ts';

// Both times are wall time.
const IDLE_LIFETIME_MS = 30_000; // longer than from one file to the next; short enough to free the memory soon
const PATIENCE_MS = 300; // about as long as a process takes to start
const LONG_BURST_MS = 1_000; // a process that joins it saves more time than its start takes
const BUSY = 0.9; // the share of the cores' time from which another process only slows the others down
const MAX_BUSY_WAITS = 10; // three seconds: what runs may wait for the invocation that waits

/** A process that runs one invocation at a time. */
interface OneByOne {
  readonly pid: number | undefined;
  /** True while it can run another invocation. */
  readonly isAlive: boolean;
  kill(): Promise<void>;
}

interface Waiting<Process> {
  resolve(process: Process): void;
  reject(cause: unknown): void;
}

/**
 * The processes of one function, one per running invocation. Warm ones are reused, newest first, and end when they have
 * been idle for a while. After the first, a process is started only if no running invocation ends within the time that
 * a start takes, because a few warm processes finish a burst of short invocations sooner than many cold ones; or if a burst
 * is long, up to one process per core. While all cores are busy, more than one per core are started only after seconds.
 */
export class WarmProcesses<Process extends OneByOne> {
  readonly #create: (onEnd: (ended: Process) => void) => Process;
  readonly #watchCores: () => () => number;
  readonly #all = new Set<Process>();
  readonly #idle: { process: Process; expiry: NodeJS.Timeout }[] = [];
  readonly #waiting: Waiting<Process>[] = [];
  #patience: NodeJS.Timeout | undefined;
  /** How often in a row no process became free in time, and none was started because of the cores. */
  #busyWaits = 0;
  /** Runs while there is always an invocation that waits. */
  #burst: NodeJS.Timeout | undefined;

  /** `cores`: begins to watch them, like `watchCores`. */
  constructor(create: (onEnd: (ended: Process) => void) => Process, cores = watchCores) {
    this.#create = create;
    this.#watchCores = cores;
  }

  /** Ids of the running processes. */
  get pids(): number[] {
    return [...this.#all].flatMap((process) => process.pid ?? []);
  }

  /** Returns a process for one invocation, in the order of the calls. Errors: the reason of `close`. */
  async take(): Promise<Process> {
    const warm = this.#idle.pop();
    clearTimeout(warm?.expiry);
    if (warm) return warm.process;
    if (!this.#isAnyAlive()) return this.start();
    const { promise, resolve, reject } = Promise.withResolvers<Process>();
    this.#waiting.push({ resolve, reject });
    if (this.#waiting.length === 1) this.#wait();
    return await promise;
  }

  /** Takes back a process whose invocation has ended. */
  putBack(process: Process): void {
    if (!process.isAlive) return;
    const next = this.#waiting.shift();
    if (next) {
      this.#wait();
      next.resolve(process);
      return;
    }
    const expiry = setTimeout(() => void process.kill(), IDLE_LIFETIME_MS);
    expiry.unref();
    this.#idle.push({ process, expiry });
  }

  /** Starts a process, warm or not. */
  start(): Process {
    const process = this.#create((ended) => this.#forget(ended));
    this.#all.add(process);
    return process;
  }

  /** Kills every process, and refuses the waiting calls. */
  async close(reason: unknown): Promise<void> {
    clearTimeout(this.#patience);
    clearTimeout(this.#burst);
    for (const { expiry } of this.#idle.splice(0)) clearTimeout(expiry);
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
    await Promise.all([...this.#all].map((process) => process.kill()));
  }

  #isAnyAlive(): boolean {
    return [...this.#all].some(({ isAlive }) => isAlive);
  }

  /** Waits for the next process to become free, as long as invocations need one. */
  #wait(): void {
    this.#busyWaits = 0;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (this.#waiting.length === 0) {
      clearTimeout(this.#burst);
      this.#burst = undefined;
      return;
    }
    this.#bePatient();
    this.#burst ??= setTimeout(() => this.#joinBurst(), LONG_BURST_MS);
  }

  /** Starts a process for the next invocation if none becomes free in time, and if there is a core for it. */
  #bePatient(): void {
    const busyShare = this.#watchCores();
    this.#patience = setTimeout(() => {
      const isOnePerCore = this.#all.size >= availableParallelism();
      if (!isOnePerCore || this.#busyWaits === MAX_BUSY_WAITS || busyShare() < BUSY)
        return this.#startForNext();
      this.#busyWaits += 1;
      this.#bePatient();
    }, PATIENCE_MS);
  }

  #joinBurst(): void {
    this.#burst = setTimeout(() => this.#joinBurst(), LONG_BURST_MS);
    if (this.#all.size < availableParallelism()) this.#startForNext();
  }

  #startForNext(): void {
    this.#waiting.shift()?.resolve(this.start());
    this.#wait();
  }

  #forget(ended: Process): void {
    this.#all.delete(ended);
    const place = this.#idle.findIndex(({ process }) => process === ended);
    if (place >= 0) clearTimeout(this.#idle.splice(place, 1)[0]?.expiry);
    if (!this.#isAnyAlive() && this.#waiting.length > 0) this.#startForNext();
  }
}
