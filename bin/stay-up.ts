import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { DataDirectory } from '../local/runtime/data-directory.ts';
import { type BatchApiChoice, type Runtime, startRuntime } from '../local/runtime/runtime.ts';
import { type Connection, connectionTo, DEFAULT_DATA_DIRECTORY } from './connection.ts';
import { eventLine, printable } from './event-line.ts';
import { awaitExample, dropExample } from './example-job.ts';
import { Failure } from './failure.ts';
import { untilStopped } from './stop-signal.ts';
import { synthesize } from './synthesis.ts';
import { welcome } from './welcome.ts';

/** The options of `batchdrop up`. */
export interface UpOptions {
  readonly port: number;
  readonly data?: string;
  readonly ephemeral?: boolean;
  readonly speed?: number;
  readonly exit?: boolean;
  readonly real?: boolean;
}

const DEFAULT_SPEED = 60;
const SAME_PROBLEM_EVERY_MS = 60_000; // of the wall

/** Runs the stack until it is asked to stop, or the example is done. Throws what kept it from starting. */
export async function up(options: UpOptions): Promise<void> {
  const api = apiOf(options);
  const stopped = untilStopped();
  const { path, discard } = placeFor(options);
  try {
    const data = new DataDirectory(path, api.kind);
    try {
      await run(data, api, options, stopped);
    } finally {
      data.release();
    }
  } finally {
    discard();
  }
}

async function run(
  data: DataDirectory,
  api: BatchApiChoice,
  options: UpOptions,
  stopped: Promise<void>,
): Promise<void> {
  const assemblyDirectory = data.emptyRoom('assembly');
  await synthesize(assemblyDirectory);
  const runtime = await startRuntime({
    data,
    assemblyDirectory,
    port: options.port,
    speed: api.kind === 'real' ? 1 : (options.speed ?? DEFAULT_SPEED),
    api,
    onEvent: (event) => {
      const line = eventLine(event);
      if (line !== undefined) console.log(line);
    },
    onProblem: tellProblems(),
  });
  const connection = connectionTo(runtime.whereabouts);
  try {
    console.log(
      welcome(runtime.whereabouts, {
        ...options,
        data: options.ephemeral ? data.path : (options.data ?? DEFAULT_DATA_DIRECTORY),
        api: api.kind,
        speed: runtime.clock.speed,
      }),
    );
    await stayUp({ data, api, options, runtime, connection, stopped });
  } finally {
    connection.close();
    await runtime.close();
  }
}

async function stayUp(up: {
  data: DataDirectory;
  api: BatchApiChoice;
  options: UpOptions;
  runtime: Runtime;
  connection: Connection;
  stopped: Promise<void>;
}): Promise<void> {
  if (up.api.kind === 'local' && up.data.exampleJobId === undefined) {
    up.data.saveExample(await dropExample(up.connection));
  }
  if (!up.options.exit) return await up.stopped;
  const { exampleJobId } = up.data;
  if (exampleJobId === undefined) throw new Failure('There is no example job to wait for.');
  console.log(await awaitExample(up.connection, exampleJobId, up.stopped));
}

/** A function that fails at every tick is told of once a minute, not once a tick. */
function tellProblems(): (problem: string) => void {
  const toldAt = new Map<string, number>();
  return (problem) => {
    const now = performance.now();
    if (now - (toldAt.get(problem) ?? Number.NEGATIVE_INFINITY) < SAME_PROBLEM_EVERY_MS) return;
    toldAt.set(problem, now);
    console.error(styleText('red', printable(problem), { stream: process.stderr }));
  };
}

function apiOf(options: UpOptions): BatchApiChoice {
  if (!options.real) return { kind: 'local' };
  const apiKey = process.env.OPENAI_API_KEY?.trim();
  if (!apiKey) throw new Failure('--real needs the API key in the environment variable OPENAI_API_KEY.');
  return { kind: 'real', apiKey, baseUrl: 'https://api.openai.com/v1' };
}

function placeFor(options: UpOptions): { path: string; discard: () => void } {
  if (!options.ephemeral) return { path: options.data ?? DEFAULT_DATA_DIRECTORY, discard: () => {} };
  const path = mkdtempSync(join(tmpdir(), 'batchdrop-'));
  return { path, discard: () => rmSync(path, { recursive: true, force: true }) };
}
