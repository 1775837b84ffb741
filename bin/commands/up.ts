import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DataDirectory } from '../../local/runtime/data-directory.ts';
import { type BatchApiChoice, type Runtime, startRuntime } from '../../local/runtime/runtime.ts';
import { type Connection, connectionTo, DEFAULT_DATA_DIRECTORY } from '../connection.ts';
import { eventLine, printable } from '../event-line.ts';
import { awaitExample, dropExample } from '../example-job.ts';
import { Failure, wholeNumber } from '../failure.ts';
import { untilStopped } from '../stop-signal.ts';
import { synthesize } from '../synthesis.ts';
import { welcome } from '../welcome.ts';

interface Options {
  readonly port: number;
  readonly data?: string;
  readonly ephemeral?: boolean;
  readonly speed?: number;
  readonly exit?: boolean;
  readonly real?: boolean;
}

const DEFAULT_SPEED = 60;
const SAME_PROBLEM_EVERY_MS = 60_000; // of the wall

/** `batchdrop up`: the whole stack on this machine. */
export function upCommand(): Command {
  return new Command('up')
    .description('Runs the stack on this machine, as it would be deployed, until Ctrl-C.')
    .option(
      '--port <number>',
      'port of the AWS endpoint on 127.0.0.1',
      wholeNumber('The port', 0, 65_535),
      4566,
    )
    .option('--data <directory>', `where everything is kept (default: ${DEFAULT_DATA_DIRECTORY})`)
    .addOption(
      new Option(
        '--ephemeral',
        'keep everything in a temporary directory and remove it at the end',
      ).conflicts('data'),
    )
    .addOption(
      new Option(
        '--speed <number>',
        'how many times as fast as the wall waiting passes (default: 60)',
      ).argParser(speedOf),
    )
    .addOption(
      new Option(
        '--exit',
        'end once the results of the example job are readable: 0, or 1 with the reason',
      ).conflicts('real'),
    )
    .addOption(
      new Option('--real', 'call https://api.openai.com/v1 with OPENAI_API_KEY: this costs money').conflicts(
        'speed',
      ),
    )
    .action(up);
}

async function up(options: Options): Promise<void> {
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
  options: Options,
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
  options: Options;
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

function apiOf(options: Options): BatchApiChoice {
  if (!options.real) return { kind: 'local' };
  const apiKey = process.env.OPENAI_API_KEY?.trim();
  if (!apiKey) throw new Failure('--real needs the API key in the environment variable OPENAI_API_KEY.');
  return { kind: 'real', apiKey };
}

function placeFor(options: Options): { path: string; discard: () => void } {
  if (!options.ephemeral) return { path: options.data ?? DEFAULT_DATA_DIRECTORY, discard: () => {} };
  const path = mkdtempSync(join(tmpdir(), 'batchdrop-'));
  return { path, discard: () => rmSync(path, { recursive: true, force: true }) };
}

function speedOf(value: string): number {
  const speed = Number(value);
  if (speed >= 1 && speed <= 10_000) return speed;
  throw new InvalidArgumentError('The speed has to be a number from 1 to 10000.');
}
