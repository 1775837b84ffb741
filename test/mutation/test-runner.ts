import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Asked, TestFileReport } from './test-process.ts';

const HEAP_MB = 3000; // a mutant that fills the memory ends its process, not this machine

/** Runs test files of a tree one by one in a process that stays warm, and begins another when it had to be killed. */
export class TestRunner {
  readonly #tree: string;
  #child: ChildProcess | undefined;
  #changed: string[] = [];

  constructor(tree: string) {
    this.#tree = tree;
  }

  /** The next run sees it. */
  changed(file: string): void {
    this.#changed.push(file);
  }

  /** `hung` when the time was over; `died` when the process ended by itself, or somebody else ended it. */
  async run(file: string, tests: string[], limitMs: number): Promise<TestFileReport | 'hung' | 'died'> {
    const child = await this.#started();
    const { promise, resolve } = Promise.withResolvers<TestFileReport | 'hung' | 'died'>();
    const died = () => resolve('died');
    const timer = setTimeout(() => resolve('hung'), limitMs);
    child.once('message', resolve);
    child.once('exit', died);
    const asked: Asked = { file, tests, changed: this.#changed.splice(0) };
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
    this.#child = fork(join(this.#tree, 'test/mutation/test-process.ts'), {
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [first] = await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')]);
    if (first !== 'ready') throw new Error(`the process that runs the tests did not start: ${first}`);
    return this.#child;
  }
}
