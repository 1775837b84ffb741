import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import type { RuntimeOrder, RuntimeReport } from './runtime-process.ts';

const ENTRY = fileURLToPath(new URL('runtime-process.ts', import.meta.url));
const SPEED = 600;

/** A runtime that is killed and started again, on the same data and the same port. */
export class KillableRuntime {
  readonly data: string;
  readonly #assembly: string;
  readonly #seed: number;
  readonly #faults: string;
  readonly problems: string[] = [];
  #names: RuntimeEndpoints | undefined;
  #child: ChildProcess | undefined;
  #lives = 0;
  #isUp = false;

  /** `assembly`: a synthesized stack. `directory`: where all data is stored. `faults`: a preset or a file. */
  constructor(directory: string, assembly: string, seed: number, faults: string) {
    this.data = join(directory, 'data');
    this.#assembly = assembly;
    this.#seed = seed;
    this.#faults = faults;
  }

  get names(): RuntimeEndpoints {
    if (this.#names === undefined) throw new Error('the runtime was never up');
    return this.#names;
  }

  get openAiDirectory(): string {
    return join(this.data, 'openai');
  }

  /** Starts the runtime and waits until it responds. */
  async start(): Promise<void> {
    const order: RuntimeOrder = {
      data: this.data,
      assembly: this.#assembly,
      port: this.#names === undefined ? 0 : Number(new URL(this.#names.url).port),
      speed: SPEED,
      seed: this.#seed + this.#lives,
      faultFile: this.#faults,
    };
    this.#lives += 1;
    const child = fork(ENTRY, [JSON.stringify(order)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { PATH: process.env.PATH ?? '' },
    });
    this.#child = child;
    const complaint = child.stderr === null ? Promise.resolve('') : text(child.stderr);
    const { promise: up, resolve, reject } = Promise.withResolvers<RuntimeEndpoints>();
    child.on('message', (said: RuntimeReport) => {
      if ('names' in said) resolve(said.names);
      else this.problems.push(said.problem);
    });
    child.once('exit', () => {
      complaint.then((reason) => reject(new Error(`the runtime did not start: ${reason}`)), reject);
    });
    this.#names = await up;
    this.#isUp = true;
  }

  /** Ends the runtime like a power cut, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#isUp = false;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /**
   * Returns the ids of its function processes, from the operating system. Returns none while it starts, because a start
   * may be refused.
   */
  functionPids(): number[] {
    if (!this.#isUp) return [];
    const parent = this.#child?.pid;
    return functionProcesses().flatMap((process) => (process.parent === parent ? process.pid : []));
  }
}

/** Returns whether this is (still) a process that runs functions, because its id may have been reused. */
export function isFunctionProcess(pid: number): boolean {
  return functionProcesses().some((process) => process.pid === pid);
}

function functionProcesses(): { pid: number; parent: number }[] {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return all.split('\n').flatMap((row) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? [];
    return args.includes('process-entry') ? { pid: Number(pid), parent: Number(parent) } : [];
  });
}
