import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const BATCHDROP = fileURLToPath(new URL('../../../bin/batchdrop.ts', import.meta.url));
const PSEUDO_TERMINAL = 'script'; // of util-linux: needed to write the page, not to test it
const COLUMNS = 80;
const MAX_MS = 240_000;

/** A command on a terminal of 80 columns, and its screen. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #line: string;
  #written = '';

  /** `line` begins with `batchdrop`. */
  constructor(line: string, { cwd, env }: { cwd: string; env: Record<string, string> }) {
    this.#line = line;
    const command = line.replace(/^batchdrop/, `exec '${process.execPath}' '${BATCHDROP}'`);
    this.#child = spawn(PSEUDO_TERMINAL, ['-qefc', `stty cols ${COLUMNS} rows 50; ${command}`, '/dev/null'], {
      cwd,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: process.env.PATH, HOME: tmpdir(), TERM: 'xterm', NO_COLOR: '1', ...env },
    });
    this.#child.stdout?.on('data', (text) => {
      this.#written += text;
    });
    this.#ended = once(this.#child, 'exit');
  }

  /** Returns the screen below the command line, once it matches. */
  async until(pattern: RegExp): Promise<string> {
    const giveUpAt = performance.now() + MAX_MS;
    while (!pattern.test(this.#screen())) {
      if (performance.now() > giveUpAt)
        throw new Error(`${this.#line} never printed ${pattern}:\n${this.#screen()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.#screen();
  }

  async untilEnded(): Promise<string> {
    await this.#ended;
    return this.#screen();
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Presses Ctrl-C and waits for the end. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.type('\u0003');
    await this.#ended;
  }

  #screen(): string {
    const lines = [''];
    // After a return to the start of the line, by readline or by Batchdrop, the line is cleared.
    const text = this.#written.replaceAll(/\r+\n/g, '\n').replaceAll('\u001b[1G', '\r').replaceAll('^C', '');
    for (const [nth, rewritten] of text.split('\r').entries()) {
      if (nth > 0) lines[lines.length - 1] = '';
      const [rest = '', ...more] = stripVTControlCharacters(rewritten).split('\n');
      lines[lines.length - 1] += rest;
      lines.push(...more);
    }
    const shown = [`$ npx ${this.#line}`, ...lines].map((line) => line.trimEnd()).join('\n');
    return wrapped(shown.trimEnd());
  }
}

/** Breaks lines as a terminal does. */
function wrapped(text: string): string {
  return text.replaceAll(new RegExp(`(?<=^(?:.{${COLUMNS}})+)(?=.)`, 'gm'), '\n');
}
