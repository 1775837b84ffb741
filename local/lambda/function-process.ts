import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { VirtualClock } from '../clock.ts';
import type { FunctionLog } from './function-log.ts';
import { type FailureKind, type FunctionSpec, InvocationFailed } from './function-spec.ts';
import { lowerPriority } from './lower-priority.ts';
import {
  isProcessMessage,
  type ProcessMessage,
  type RuntimeMessage,
  type ThrownError,
} from './process-messages.ts';

const ENTRY = fileURLToPath(new URL(`process-entry${import.meta.url.slice(-3)}`, import.meta.url));
/** Every process compiles the same program, and those of a function the same bundle. */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/node-compile', import.meta.url));
const OUTSIDE_HEAP_MB = 64; // part of a function's memory for Node itself, code and buffers
const SMALLEST_HEAP_MB = 64;
const MAX_INIT_MS = 60_000; // Lambda allows 10 s; a small machine that starts ten processes at once needs more

/** Reports an unexpected end, in one line for the terminal. */
export type ProblemListener = (problem: string) => void;

/** What a process follows to have the runtime's time. */
type FollowedClock = Pick<VirtualClock, 'reading' | 'follow'>;

interface Running {
  readonly requestId: string;
  readonly timeLimit: NodeJS.Timeout;
  readonly unfollow: () => void;
  resolve(answer: unknown): void;
  reject(error: InvocationFailed): void;
}

/**
 * One process of one function. It runs one invocation at a time and is kept warm between invocations. It has its own
 * process group, so that Ctrl-C in a terminal reaches only the runtime.
 */
export class FunctionProcess {
  readonly #spec: FunctionSpec;
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #ended: Promise<void>;
  #running: Running | undefined;
  #hasEnded = false;
  #isDoomed = false;

  constructor(
    spec: FunctionSpec,
    options: {
      environment: Record<string, string>;
      /** Undefined: its output is discarded. */
      log: FunctionLog | undefined;
      /** Where its code may find the AWS SDK. */
      sdkFrom?: readonly string[];
      onEnd: (process: FunctionProcess) => void;
    },
  ) {
    this.#spec = spec;
    const heap = Math.max(SMALLEST_HEAP_MB, spec.memoryMb - OUTSIDE_HEAP_MB);
    this.#child = fork(ENTRY, options.sdkFrom ?? [], {
      execArgv: [`--max-old-space-size=${heap}`],
      env: { ...options.environment, NODE_COMPILE_CACHE: COMPILE_CACHE },
      cwd: spec.codeDirectory,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    if (this.#child.pid !== undefined) lowerPriority(this.#child.pid);
    this.#ready = this.#loading();
    this.#ready.catch(() => {}); // the first invocation reports it
    this.#ended = this.#whenEnded(options.log, () => options.onEnd(this));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** True while the process can run another invocation. */
  get isAlive(): boolean {
    return !this.#hasEnded && !this.#isDoomed;
  }

  /** Resolves once the bundle is loaded. Throws InvocationFailed if it cannot be loaded. */
  whenReady(): Promise<void> {
    return this.#ready;
  }

  /** Runs one invocation. Kills the process at the function's time-out. Throws InvocationFailed. */
  async invoke(invocation: { requestId: string; event: unknown; clock: FollowedClock }): Promise<unknown> {
    await this.#ready;
    const limitMs = this.#spec.timeoutSeconds * 1_000;
    return await new Promise((resolve, reject) => {
      const timeLimit = setTimeout(() => this.#endRun('timed_out', timedOut(this.#spec)), limitMs);
      const unfollow = invocation.clock.follow((reading) => this.#send({ kind: 'rate', reading }));
      this.#running = { requestId: invocation.requestId, timeLimit, unfollow, resolve, reject };
      this.#send({
        kind: 'invoke',
        requestId: invocation.requestId,
        functionArn: this.#spec.arn,
        event: invocation.event,
        deadline: Date.now() + limitMs,
        reading: invocation.clock.reading,
      });
    });
  }

  /** Kills the process and its running invocation. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #send(message: RuntimeMessage): void {
    // If the process has just ended, the send fails in the callback. The exit event then reports the end.
    this.#child.send(message, () => {});
  }

  async #loading(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), MAX_INIT_MS);
    this.#child.on('message', (message: unknown) => {
      if (!isProcessMessage(message)) return;
      if (message.kind === 'ready') resolve();
      else if (message.kind === 'unready')
        reject(new InvocationFailed('crashed', unready(this.#spec, message.error)));
      else this.#finish(message);
    });
    this.#child.once('exit', () =>
      reject(new InvocationFailed('crashed', `${this.#spec.name}: its process ended before it was ready`)),
    );
    this.#child.once('error', (cause) => {
      reject(
        new InvocationFailed('crashed', `${this.#spec.name}: no process could be started: ${cause.message}`),
      );
    });
    await promise.finally(() => clearTimeout(limit));
  }

  async #whenEnded(log: FunctionLog | undefined, onEnd: () => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { stdout, stderr, pid } = this.#child;
    const outputs = [
      stdout && log?.follow(stdout, 'stdout', pid),
      stderr && log?.follow(stderr, 'stderr', pid),
    ];
    if (log === undefined) for (const output of [stdout, stderr]) output?.resume();
    const end = (how: string) => {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      this.#fail('crashed', `${this.#spec.name}: its process ended (${how}) during the invocation`);
      onEnd();
      resolve();
    };
    this.#child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    this.#child.once('error', (cause) => end(cause.message));
    await promise;
    await Promise.all(outputs);
  }

  #finish(message: Exclude<ProcessMessage, { kind: 'ready' | 'unready' }>): void {
    const running = this.#running;
    if (running?.requestId !== message.requestId) return;
    if (message.kind === 'threw') {
      this.#fail('threw', `${this.#spec.name}: ${message.error.name}: ${message.error.message}`);
      return;
    }
    this.#stopRunning(running);
    running.resolve(message.answer);
  }

  #stopRunning({ timeLimit, unfollow }: Running): void {
    this.#running = undefined;
    clearTimeout(timeLimit);
    unfollow();
  }

  #endRun(kind: FailureKind, message: string): void {
    this.#isDoomed = true;
    this.#fail(kind, message);
    this.#child.kill('SIGKILL');
  }

  #fail(kind: FailureKind, message: string): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#stopRunning(running);
    running.reject(new InvocationFailed(kind, message));
  }
}

function unready(spec: FunctionSpec, { name, message }: ThrownError): string {
  return `${spec.name}: its init failed: ${name}: ${message}`;
}

function timedOut(spec: FunctionSpec): string {
  return `${spec.name}: timed out after ${spec.timeoutSeconds} s`;
}
