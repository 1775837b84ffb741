import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { temporaryDirectory } from '../stack/synthesis.ts';
import { run } from './written-template.ts';

const REGION = 'us-east-1';

/** moto, an emulator of AWS that nobody here wrote, in a process of its own. The AWS CLI finds it in its environment. */
export class Emulator {
  readonly env: NodeJS.ProcessEnv;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, env: NodeJS.ProcessEnv) {
    this.#child = child;
    this.env = env;
  }

  /** `tools`: the folder with the programs. */
  static async start(tools: string): Promise<Emulator> {
    const child = spawn(join(tools, 'moto_server'), ['-H', '127.0.0.1', '-p', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const url = await addressOf(child.stderr);
    child.stderr.resume(); // otherwise it would block once the pipe is full
    return new Emulator(child, {
      PATH: `${tools}${delimiter}${process.env.PATH}`,
      HOME: temporaryDirectory(), // no profile of the user
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: 'recipes',
      AWS_SECRET_ACCESS_KEY: 'recipes',
      AWS_DEFAULT_REGION: REGION,
      AWS_REGION: REGION,
    });
  }

  /** Runs the AWS CLI and returns its answer. */
  async aws(...args: string[]): Promise<unknown> {
    const { stdout } = await run('aws', [...args, '--output', 'json'], { env: this.env });
    return stdout === '' ? undefined : JSON.parse(stdout);
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill();
    await exited;
  }
}

/** Waits until the server prints its address. Throws an Error with its output if it ends before. */
async function addressOf(stderr: Readable): Promise<string> {
  let printed = '';
  for await (const text of stderr.iterator({ destroyOnReturn: false })) {
    printed += text;
    const [, port] = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(printed) ?? [];
    if (port !== undefined) return `http://localhost:${port}`; // moto takes other hosts for names of buckets
  }
  throw new Error(`the emulator ended: ${printed}`);
}
