import { availableParallelism } from 'node:os';

// Both times are wall time.
const IDLE_LIFETIME_MS = 30_000; // longer than from one file to the next; short enough to free the memory soon
const PATIENCE_MS = 300; // about as long as a process takes to start
const LONG_BURST_MS = 1_000; // a process that joins it saves more time than its start takes

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
 * is long, up to one process per core.
 */
export class WarmProcesses<Process extends OneByOne> {
  readonly #create: (onEnd: (ended: Process) => void) => Process;
  readonly #all = new Set<Process>();
  readonly #idle: { process: Process; expiry: NodeJS.Timeout }[] = [];
  readonly #waiting: Waiting<Process>[] = [];
  #patience: NodeJS.Timeout | undefined;
  /** Runs while there is always an invocation that waits. */
  #burst: NodeJS.Timeout | undefined;

  constructor(create: (onEnd: (ended: Process) => void) => Process) {
    this.#create = create;
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
    clearTimeout(this.#patience);
    this.#patience = undefined;
    if (this.#waiting.length === 0) {
      clearTimeout(this.#burst);
      this.#burst = undefined;
      return;
    }
    this.#patience = setTimeout(() => this.#startForNext(), PATIENCE_MS);
    this.#burst ??= setTimeout(() => this.#joinBurst(), LONG_BURST_MS);
  }

  #joinBurst(): void {
    this.#burst = undefined;
    if (this.#all.size < availableParallelism()) this.#startForNext();
    else this.#wait();
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
