import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Asked, ChosenTests, TestReport } from './test-process.ts';

const HEAP_MB = 3000; // a mutant that fills the memory ends its process, not this machine

/**
 * Runs test files of a tree in a process that stays warm, and begins another when it had to be killed. `apart`: each file
 * loads the source anew.
 */
export class TestRunner {
  readonly #tree: string;
  readonly #options: 'apart'[];
  #child: ChildProcess | undefined;
  #changed: string[] = [];

  constructor(tree: string, ...options: 'apart'[]) {
    this.#tree = tree;
    this.#options = options;
  }

  /** The next run sees it. */
  changed(file: string): void {
    this.#changed.push(file);
  }

  /** `hung` when the time was over; `died` when the process ended by itself, or somebody else ended it. */
  async run(files: ChosenTests[], limitMs: number): Promise<TestReport | 'hung' | 'died'> {
    const child = await this.#started();
    const { promise, resolve } = Promise.withResolvers<TestReport | 'hung' | 'died'>();
    const died = () => resolve('died');
    const timer = setTimeout(() => resolve('hung'), limitMs);
    child.once('message', resolve);
    child.once('exit', died);
    const asked: Asked = { files, changed: this.#changed.splice(0) };
    child.send(asked);
    const report = await promise;
    clearTimeout(timer);
    child.off('message', resolve);
    child.off('exit', died);
    if (typeof report === 'string') this.close();
    return report;
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #started(): Promise<ChildProcess> {
    if (this.#child) return this.#child;
    this.#changed = [];
    this.#child = fork(join(this.#tree, 'test/mutation/test-process.ts'), this.#options, {
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, TMPDIR: join(this.#tree, 'tmp') }, // removed with the tree
    });
    const [first] = await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')]);
    if (first !== 'ready') throw new Error(`the process that runs the tests did not start: ${first}`);
    return this.#child;
  }
}
