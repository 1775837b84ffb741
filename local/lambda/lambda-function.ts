import { randomUUID } from 'node:crypto';
import type { VirtualClock } from '../clock.ts';
import { FunctionLog } from './function-log.ts';
import { FunctionProcess, type ProblemListener } from './function-process.ts';
import { type FunctionSpec, InvocationFailed } from './function-spec.ts';

const IDLE_LIFETIME_MS = 10_000; // of the wall clock; long enough for a burst, short enough to free the memory soon

/**
 * A function and its processes: one for each running invocation, started when an invocation needs it; warm ones are reused,
 * newest first, and end when they have had nothing to do for a while. While one of them
 * computes, the clock runs at normal speed, so time-outs and leases mean the same as in the cloud.
 */
export class LambdaFunction {
  readonly spec: FunctionSpec;
  readonly #environment: Record<string, string>;
  readonly #clock: VirtualClock;
  readonly #log: FunctionLog;
  readonly #onProblem: ProblemListener;
  readonly #mayLog: () => boolean;
  readonly #processes = new Set<FunctionProcess>();
  readonly #idle: { process: FunctionProcess; expiry: NodeJS.Timeout }[] = [];
  #closed = false;

  constructor(
    spec: FunctionSpec,
    options: {
      environment: Record<string, string>;
      clock: VirtualClock;
      logDirectory: string;
      /** Called for each process: its output is discarded if its role may not write the log. */
      mayLog: () => boolean;
      /** Called with one line for each failed invocation. */
      onProblem: ProblemListener;
    },
  ) {
    this.spec = spec;
    this.#environment = options.environment;
    this.#clock = options.clock;
    this.#log = new FunctionLog(options.logDirectory, spec.name);
    this.#onProblem = options.onProblem;
    this.#mayLog = options.mayLog;
  }

  /** Ids of the running processes, for a test that kills one. */
  get pids(): number[] {
    return [...this.#processes].flatMap((process) => process.pid ?? []);
  }

  /** Runs one invocation to its end; throws InvocationFailed. Replaces a process that crashed or timed out. */
  async invoke(event: unknown): Promise<unknown> {
    if (this.#closed) throw new InvocationFailed('crashed', `${this.spec.name}: the runtime is stopping`);
    const release = this.#clock.hold();
    const process = this.#takeIdle() ?? this.#start();
    try {
      const answer = await process.invoke({
        requestId: randomUUID(),
        event,
        timeOffset: () => this.#clock.now() - Date.now(),
      });
      this.#putBack(process);
      return answer;
    } catch (cause) {
      if (cause instanceof InvocationFailed && cause.kind === 'threw') this.#putBack(process);
      this.#tell(cause);
      throw cause;
    } finally {
      release();
    }
  }

  /** Starts a process and keeps it warm; throws InvocationFailed if it cannot start. */
  async initialize(): Promise<void> {
    const process = this.#start();
    await process.whenReady();
    this.#putBack(process);
  }

  /** Kills every process and flushes the log. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { expiry } of this.#idle.splice(0)) clearTimeout(expiry);
    await Promise.all([...this.#processes].map((process) => process.kill()));
    await this.#log.close();
  }

  #start(): FunctionProcess {
    const process = new FunctionProcess(this.spec, {
      environment: this.#environment,
      log: this.#mayLog() ? this.#log : undefined,
      onEnd: (ended) => this.#forget(ended),
    });
    this.#processes.add(process);
    return process;
  }

  #takeIdle(): FunctionProcess | undefined {
    const newest = this.#idle.pop();
    clearTimeout(newest?.expiry);
    return newest?.process;
  }

  #putBack(process: FunctionProcess): void {
    if (this.#closed || !process.isAlive) return;
    const expiry = setTimeout(() => void process.kill(), IDLE_LIFETIME_MS);
    expiry.unref();
    this.#idle.push({ process, expiry });
  }

  #forget(ended: FunctionProcess): void {
    this.#processes.delete(ended);
    const place = this.#idle.findIndex(({ process }) => process === ended);
    if (place >= 0) clearTimeout(this.#idle.splice(place, 1)[0]?.expiry);
  }

  #tell(cause: unknown): void {
    if (this.#closed) return;
    const what = cause instanceof Error ? cause.message : String(cause);
    this.#onProblem(`${what}; see ${this.#log.path}`);
  }
}
