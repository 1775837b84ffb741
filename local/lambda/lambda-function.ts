import { randomUUID } from 'node:crypto';
import type { VirtualClock } from '../clock.ts';
import { FunctionLog } from './function-log.ts';
import { FunctionProcess, type ProblemListener } from './function-process.ts';
import { type FunctionSpec, InvocationFailed } from './function-spec.ts';
import { WarmProcesses } from './warm-processes.ts';

/**
 * A function and its processes, one per running invocation. While an invocation runs or waits for a process, it holds the
 * clock, so that time-outs and leases mean the same as in the cloud.
 */
export class LambdaFunction {
  readonly spec: FunctionSpec;
  readonly #environment: Record<string, string>;
  readonly #clock: VirtualClock;
  readonly #log: FunctionLog;
  readonly #onProblem: ProblemListener;
  readonly #mayLog: () => boolean;
  readonly #sdkFrom: readonly string[];
  readonly #processes: WarmProcesses<FunctionProcess>;
  #closed = false;

  constructor(
    spec: FunctionSpec,
    options: {
      environment: Record<string, string>;
      clock: VirtualClock;
      logDirectory: string;
      /** Called for each process. If its role may not write the log, the output of the process is discarded. */
      mayLog: () => boolean;
      /** Called with one line for each failed invocation. */
      onProblem: ProblemListener;
      /** Called with each line that it prints. */
      onLine?: ((line: string) => void) | undefined;
      /** Where its code may find the AWS SDK. By default, its code has all that it needs. */
      sdkFrom?: readonly string[] | undefined;
    },
  ) {
    this.spec = spec;
    this.#environment = options.environment;
    this.#clock = options.clock;
    this.#log = new FunctionLog(options.logDirectory, spec.name, options.onLine);
    this.#onProblem = options.onProblem;
    this.#mayLog = options.mayLog;
    this.#sdkFrom = options.sdkFrom ?? [];
    this.#processes = new WarmProcesses((onEnd) => this.#create(onEnd));
  }

  /** Ids of the running processes, for a test that kills one. */
  get pids(): number[] {
    return this.#processes.pids;
  }

  /** Runs one invocation to its end. Replaces a process that crashed or timed out. Throws InvocationFailed. */
  async invoke(event: unknown): Promise<unknown> {
    if (this.#closed) throw this.#stopping();
    let release = this.#clock.hold('answer');
    let process: FunctionProcess | undefined;
    try {
      process = await this.#processes.take();
      const computed = this.#clock.hold('work');
      release();
      release = computed;
      const answer = await process.invoke({
        requestId: randomUUID(),
        event,
        clock: this.#clock,
      });
      this.#processes.putBack(process);
      return answer;
    } catch (cause) {
      if (process && cause instanceof InvocationFailed && cause.kind === 'threw')
        this.#processes.putBack(process);
      this.#tell(cause);
      throw cause;
    } finally {
      release();
    }
  }

  /** Starts a process and keeps it warm. Throws InvocationFailed if it cannot start. */
  async initialize(): Promise<void> {
    const process = this.#processes.start();
    await process.whenReady();
    this.#processes.putBack(process);
  }

  /** Kills every process and flushes the log. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#processes.close(this.#stopping());
    await this.#log.close();
  }

  #create(onEnd: (ended: FunctionProcess) => void): FunctionProcess {
    const log = this.#mayLog() ? this.#log : undefined;
    return new FunctionProcess(this.spec, {
      environment: this.#environment,
      log,
      sdkFrom: this.#sdkFrom,
      onEnd,
    });
  }

  #stopping(): InvocationFailed {
    return new InvocationFailed('crashed', `${this.spec.name}: the runtime is stopping`);
  }

  #tell(cause: unknown): void {
    if (this.#closed) return;
    const what = cause instanceof Error ? cause.message : String(cause);
    this.#onProblem(`${what}; see ${this.#log.path}`);
  }
}
