import type { FunctionProcess } from './function-process.ts';

// Both of the wall clock.
const IDLE_LIFETIME_MS = 10_000; // long enough for a burst, short enough to free the memory soon
const PATIENCE_MS = 500; // about as long as a process takes to start and to compile what its first invocation needs

interface Waiting {
  resolve(process: FunctionProcess): void;
  reject(cause: unknown): void;
}

/**
 * The processes of one function: one for each running invocation. Warm ones are reused, newest first, and end when they
 * have had nothing to do for a while. Besides the first, one is started only when invocations wait and no running one
 * ends, one at a time: a few warm processes are done with a burst of short invocations sooner than many cold ones.
 */
export class WarmProcesses {
  readonly #create: (onEnd: (ended: FunctionProcess) => void) => FunctionProcess;
  readonly #all = new Set<FunctionProcess>();
  readonly #idle: { process: FunctionProcess; expiry: NodeJS.Timeout }[] = [];
  readonly #waiting: Waiting[] = [];
  #patience: NodeJS.Timeout | undefined;

  constructor(create: (onEnd: (ended: FunctionProcess) => void) => FunctionProcess) {
    this.#create = create;
  }

  /** Ids of the running processes. */
  get pids(): number[] {
    return [...this.#all].flatMap((process) => process.pid ?? []);
  }

  /** Returns a process for one invocation, in the order of the calls. Errors: the reason of `close`. */
  async take(): Promise<FunctionProcess> {
    const warm = this.#idle.pop();
    clearTimeout(warm?.expiry);
    if (warm) return warm.process;
    if (!this.#isAnyAlive()) return this.start();
    const { promise, resolve, reject } = Promise.withResolvers<FunctionProcess>();
    this.#waiting.push({ resolve, reject });
    this.#patience ??= this.#armed();
    return await promise;
  }

  /** Takes back a process whose invocation ended. */
  putBack(process: FunctionProcess): void {
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
  start(): FunctionProcess {
    const process = this.#create((ended) => this.#forget(ended));
    this.#all.add(process);
    return process;
  }

  /** Kills every process, and refuses what waits. */
  async close(reason: unknown): Promise<void> {
    clearTimeout(this.#patience);
    for (const { expiry } of this.#idle.splice(0)) clearTimeout(expiry);
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
    await Promise.all([...this.#all].map((process) => process.kill()));
  }

  #isAnyAlive(): boolean {
    return [...this.#all].some(({ isAlive }) => isAlive);
  }

  /** Waits for the next process to become free, for as long as anything needs one. */
  #wait(): void {
    clearTimeout(this.#patience);
    this.#patience = this.#waiting.length > 0 ? this.#armed() : undefined;
  }

  #armed(): NodeJS.Timeout {
    return setTimeout(() => this.#startForNext(), PATIENCE_MS);
  }

  #startForNext(): void {
    this.#waiting.shift()?.resolve(this.start());
    this.#wait();
  }

  #forget(ended: FunctionProcess): void {
    this.#all.delete(ended);
    const place = this.#idle.findIndex(({ process }) => process === ended);
    if (place >= 0) clearTimeout(this.#idle.splice(place, 1)[0]?.expiry);
    if (!this.#isAnyAlive() && this.#waiting.length > 0) this.#startForNext();
  }
}
