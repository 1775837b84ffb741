import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { STACK_COMMANDS } from '../../bin/commands/stack-commands.ts';
import { bundleCommand } from '../../lib/bundling/build-package.ts';
import { type AuditEntry, readAudit } from '../../local/openai/audit-log.ts';
import { DataDirectory } from '../../local/runtime/data-directory.ts';
import { type RuntimeEndpoints, readRuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';

const BATCHDROP = fileURLToPath(new URL('../../bin/batchdrop.ts', import.meta.url));
/** Where `npm start` keeps what it has compiled. */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/node-compile', import.meta.url));

interface Ended {
  readonly exited: Promise<unknown>;
  readonly complaint: Promise<string>;
  readonly said: { readonly text: string };
}

/** `batchdrop up` in its own process, with a data directory that outlives it. */
export class ChildRuntime {
  readonly directory: string;
  readonly names: RuntimeEndpoints;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  /** What the process printed on stderr, once it has ended. */
  readonly complaint: Promise<string>;

  readonly #said: { readonly text: string };

  private constructor(directory: string, names: RuntimeEndpoints, child: ChildProcess, ended: Ended) {
    this.directory = directory;
    this.names = names;
    this.#child = child;
    this.#exited = ended.exited;
    this.complaint = ended.complaint;
    this.#said = ended.said;
  }

  /** What the process has printed on stdout so far. */
  get printed(): string {
    return this.#said.text;
  }

  /**
   * Starts it and waits until it responds. With the directory of an earlier runtime, that runtime continues. A new one
   * runs the example, unless `isIdle`.
   */
  static async start(options: {
    speed?: number;
    directory?: string;
    isIdle?: boolean;
    more?: string[];
    env?: Record<string, string>;
  }): Promise<ChildRuntime> {
    const directory = options.directory ?? join(mkdtempSync(join(tmpdir(), 'batchdrop-runtime-')), 'data');
    if (options.isIdle) markExampleAsRun(directory);
    const speed = options.speed === undefined ? [] : ['--speed', String(options.speed)];
    const child = spawn(
      process.execPath,
      [BATCHDROP, 'up', '--port', '0', '--data', basename(directory), ...speed, ...(options.more ?? [])],
      {
        cwd: dirname(directory),
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...environmentOfTheShell(), NODE_COMPILE_CACHE: COMPILED, ...options.env },
      },
    );
    const ended = { exited: once(child, 'exit'), complaint: text(child.stderr) };
    const early = ended.exited.then(async () => {
      throw new Error(`the runtime ended: ${await ended.complaint}`);
    });
    early.catch(() => {}); // the test itself causes a later end
    const said = { text: '' };
    child.stdout.on('data', (more) => {
      said.text += more;
    });
    await Promise.race([untilUp(child.stdout, said), early]);
    const names = readRuntimeEndpoints(directory);
    if (names === undefined) throw new Error('the runtime is up but printed no address');
    return new ChildRuntime(directory, names, child, { ...ended, said });
  }

  get openAiAudit(): AuditEntry[] {
    return readAudit(join(this.directory, 'openai'));
  }

  /** Returns the ids of its function processes, from the operating system. */
  functionPids(): number[] {
    const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
    return all.split('\n').flatMap((row) => {
      const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? [];
      return Number(parent) === this.#child.pid && args.includes('process-entry') ? [Number(pid)] : [];
    });
  }

  /** Waits until it ends by itself. Returns the exit code. */
  async ended(): Promise<number | null> {
    await this.#exited;
    return this.#child.exitCode;
  }

  /** Ends it like a power cut, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Ends it like Ctrl-C. Returns the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGINT');
    await this.#exited;
    return this.#child.exitCode;
  }

  /** Ends it in any state, and removes its data. */
  async discard(): Promise<void> {
    await this.kill();
    rmSync(join(this.directory, '..'), { recursive: true, force: true });
  }
}

/** Makes a runtime with that directory one without a job: a directory runs the example once. */
function markExampleAsRun(directory: string): void {
  const data = new DataDirectory(directory, 'local');
  data.saveExample('none');
  data.release();
}

/** Waits until it has printed that it is up, as a sentence or as JSON with its endpoints. */
async function untilUp(output: Readable, said: { readonly text: string }): Promise<void> {
  while (!/^(\{|Batchdrop is up)/m.test(said.text)) await once(output, 'data');
}

let packaged: Promise<string> | undefined;

/** Returns the package's command. The first test file that needs it builds it, in two seconds. */
function packagedCommand(): Promise<string> {
  packaged ??= (async () => {
    const folder = process.env.SHARED_BY_TESTS ?? mkdtempSync(join(tmpdir(), 'batchdrop-command-'));
    const command = join(folder, 'command');
    if (!existsSync(command)) {
      const draft = join(folder, `command-${process.pid}`);
      await bundleCommand(draft);
      try {
        renameSync(draft, command);
      } catch (error) {
        if (!existsSync(command)) throw error; // otherwise, another test file was faster
      }
    }
    return join(command, 'batchdrop.mjs');
  })();
  return packaged;
}

/**
 * Returns what runs a command, and what it needs in its environment to start in less time. The package has the commands for
 * stacks as well, and starts in a quarter of the time.
 */
export async function programOf(command = ''): Promise<{ path: string; env: Record<string, string> }> {
  if (!STACK_COMMANDS.has(command)) return { path: BATCHDROP, env: { NODE_COMPILE_CACHE: COMPILED } };
  const path = await packagedCommand();
  return { path, env: { NODE_COMPILE_CACHE: join(dirname(path), 'compiled') } };
}

/** Runs `batchdrop` to its end. `stdin`: what is piped to it; by default, nothing. */
export async function batchdrop(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; stdin?: string } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = await programOf(args[0]);
  const child = spawn(process.execPath, [program.path, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...environmentOfTheShell(), ...program.env, ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  child.stdin.on('error', () => {}); // a command that reads nothing may have ended
  child.stdin.end(options.stdin);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Returns the environment of a person's shell, without variables of AWS or OpenAI. */
function environmentOfTheShell(): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: tmpdir(), NO_COLOR: '1' };
}
