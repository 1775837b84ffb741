import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import type { AwsEvent } from '../../local/aws/events/event.ts';
import type { Credentials } from '../../local/aws/iam/signature.ts';
import type { BatchApiChoice } from '../../local/runtime/batch-api.ts';
import { DataDirectory } from '../../local/runtime/data-directory.ts';
import { type Runtime, startRuntime } from '../../local/runtime/runtime.ts';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { type Connection, connectionTo } from '../connection/connection.ts';
import { DATA_DIRECTORY } from '../connection/target.ts';
import { ResultsMirror } from '../jobs/results-mirror.ts';
import { endOnFullDisk } from '../terminal/end-on-full-disk.ts';
import { escapeControlCharacters, printableJson } from '../terminal/escape-control-characters.ts';
import { eventLine } from '../terminal/event-line.ts';
import { Failure } from '../terminal/failure.ts';
import { firstDeliveries } from '../terminal/first-delivery.ts';
import { askOnTerminal, say } from '../terminal/prompt.ts';
import { untilStopped } from '../terminal/stop-signal.ts';
import { awaitExample, dropExample } from './example-job.ts';
import { pricesIn } from './prices-file.ts';
import { isPaid, otherBatchApi, realBatchApi, sendsWebhooks } from './real-batch-api.ts';
import { SpendConfirmation } from './spend-confirmation.ts';
import type { StackContext } from './stack-context.ts';
import { synthesizedStack } from './synthesis.ts';
import { welcome } from './welcome.ts';

/** The options of `batchdrop up`. */
export interface UpOptions {
  readonly port: number;
  readonly data?: string;
  readonly ephemeral?: boolean;
  readonly speed?: number;
  readonly exit?: boolean;
  readonly real?: boolean;
  /** The URL of a Batch API server that is used instead of the built-in one. */
  readonly batchApi?: string;
  /** The path of a JSON file. */
  readonly prices?: string;
  readonly context?: StackContext;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** One run of `batchdrop up`. */
interface Run {
  readonly options: UpOptions;
  readonly api: BatchApiChoice;
  /** Asks the user. Returns true for yes. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<boolean>;
  /** Aborted when the run must end. */
  readonly stopped: AbortSignal;
}

const DEFAULT_SPEED = { local: 60, real: 1, server: 1 }; // the clock of another server is assumed to be in real time
const SAME_PROBLEM_EVERY_MS = 60_000; // real time

/** Runs the stack until it is stopped or, with --exit, until the example has ended. Throws if it cannot start. */
export async function up(options: UpOptions): Promise<void> {
  const api = batchApiOf(options);
  checkOptions(options, api);
  const stopping = new AbortController();
  void untilStopped().then(() => stopping.abort());
  await runStack({ options, api, ask: askOnTerminal, stopped: stopping.signal });
}

function batchApiOf({ real, batchApi }: UpOptions): BatchApiChoice {
  if (batchApi !== undefined) return otherBatchApi(batchApi, process.env);
  return real ? realBatchApi(process.env) : { kind: 'local' };
}

function serverOf(api: BatchApiChoice): string | undefined {
  return api.kind === 'server' ? api.baseUrl : undefined;
}

/** Throws a Failure for options that the chosen API does not allow. */
function checkOptions(options: UpOptions, api: BatchApiChoice): void {
  const paid = isPaid(api);
  if (options.yes && !paid)
    throw new Failure(
      '--yes works only with --real, or with --batch-api and a server elsewhere: only these cost money.',
    );
  if (paid && (options.speed !== undefined || options.ephemeral)) {
    const option = options.ephemeral ? '--ephemeral' : '--speed';
    throw new Failure(`${option} works only with a Batch API on this machine.`);
  }
  if (paid && !options.yes && !process.stdin.isTTY) {
    throw new Failure(
      `${options.real ? '--real' : '--batch-api'} asks before it sends the first rows, but stdin is not a terminal. To send all files without asking, add --yes.`,
    );
  }
}

/** The run itself, with replaceable ways to ask and to stop. */
export async function runStack(run: Run): Promise<void> {
  const { path, discard } = dataDirectoryOf(run);
  try {
    const data = new DataDirectory(path, run.api.kind, serverOf(run.api));
    const forget = endOnFullDisk(() => {
      data.release();
      discard();
    });
    try {
      await withRuntime(run, data);
    } finally {
      forget();
      data.release();
    }
  } finally {
    discard();
  }
}

async function withRuntime(run: Run, data: DataDirectory): Promise<void> {
  const { api, options } = run;
  const onBuild = () => {
    if (!options.json)
      say('It builds the functions and the template first, because the source is new or has changed.');
  };
  const context = {
    ...options.context,
    ...(sendsWebhooks(api) && { webhook: 'yes' }),
    ...(options.prices !== undefined && { prices: await pricesIn(options.prices) }),
  };
  const assemblyDirectory = await synthesizedStack({ onBuild, context });
  const listeners: ((event: AwsEvent) => void)[] = [printEvents(options.json ?? false)];
  const owner = isPaid(api) ? data.ownerCredentials() : undefined;
  let connection: Connection | undefined;
  let whenUp: (() => Promise<void>) | undefined;
  const runtime = await startRuntime({
    data,
    assemblyDirectory,
    port: options.port,
    speed: options.speed ?? DEFAULT_SPEED[api.kind],
    api,
    ...(owner !== undefined && { owner }),
    onEvent: (event) => {
      for (const listener of listeners) listener(event);
    },
    onProblem: printProblems(),
    beforeFunctions: async (endpoints) => {
      connection = connectionTo(endpoints, owner);
      if (isPaid(api)) whenUp = await protectSpending(run, data, { connection, endpoints, listeners });
    },
  });
  try {
    if (connection === undefined) throw new Error('The runtime started without its endpoints.');
    printWelcome(run, data, { ...runtime, owner });
    await whenUp?.();
    await stayUp(run, data, connection);
  } finally {
    connection?.close();
    await runtime.close();
  }
}

/** For an API that costs money: asks before anything is sent, and downloads results into folders. */
async function protectSpending(
  { options, ask, stopped }: Run,
  data: DataDirectory,
  up: { connection: Connection; endpoints: RuntimeEndpoints; listeners: ((event: AwsEvent) => void)[] },
): Promise<() => Promise<void>> {
  const print = options.json ? console.error : say;
  const results = new ResultsMirror(up.connection, { directory: data.subdirectory('results'), print });
  up.listeners.push((event) => results.notice(event));
  if (options.yes) {
    const { paused } = await up.connection.ledger.readControl();
    if (paused) print('An earlier run paused submission. To send waiting files: npx batchdrop resume');
    return async () => results.catchUp();
  }
  const confirmation = new SpendConfirmation(up.connection, {
    ...{ api: up.endpoints.openAiUrl, ask, print, stopped },
  });
  await confirmation.pause();
  up.listeners.push((event) => confirmation.notice(event));
  return async () => {
    results.catchUp();
    void confirmation.review();
  };
}

function printWelcome(
  { options, api }: Run,
  data: DataDirectory,
  { endpoints, clock, owner }: Pick<Runtime, 'endpoints' | 'clock'> & { owner: Credentials | undefined },
): void {
  if (options.json) {
    console.log(printableJson(endpoints));
    return;
  }
  const shown = options.ephemeral ? data.path : (options.data ?? DATA_DIRECTORY[api.kind]);
  const { ephemeral } = options;
  console.log(
    welcome(endpoints, {
      data: shown,
      isPaid: isPaid(api),
      speed: clock.speed,
      owner,
      isUrlForOthers: api.kind !== 'local',
      ...(ephemeral && { ephemeral }),
    }),
  );
}

async function stayUp(
  { options, api, stopped }: Run,
  data: DataDirectory,
  connection: Connection,
): Promise<void> {
  if (api.kind === 'local' && data.exampleJobId === undefined)
    data.saveExample(await dropExample(connection));
  const end = stopped.aborted
    ? Promise.resolve()
    : new Promise<void>((resolve) => {
        stopped.addEventListener('abort', () => resolve());
      });
  if (!options.exit) return await end;
  const { exampleJobId } = data;
  if (exampleJobId === undefined)
    throw new Failure(
      '--exit waits for the example job, but this data directory has none. Use another directory with --data.',
    );
  const sentence = await awaitExample(connection, exampleJobId, end);
  if (!options.json) console.log(sentence);
}

function printEvents(json: boolean): (event: AwsEvent) => void {
  const isFirst = firstDeliveries();
  return (event) => {
    const line = isFirst(event) ? eventLine(event) : undefined;
    if (line !== undefined) say(json ? printableJson(event) : line);
  };
}

/** Prints each problem at most once per minute: a function may fail at every tick. */
function printProblems(): (problem: string) => void {
  const printedAt = new Map<string, number>();
  return (problem) => {
    const now = performance.now();
    if (now - (printedAt.get(problem) ?? Number.NEGATIVE_INFINITY) < SAME_PROBLEM_EVERY_MS) return;
    printedAt.set(problem, now);
    console.error(styleText('red', escapeControlCharacters(problem), { stream: process.stderr }));
  };
}

function dataDirectoryOf({ options, api }: Run): { path: string; discard: () => void } {
  if (!options.ephemeral) return { path: options.data ?? DATA_DIRECTORY[api.kind], discard: () => {} };
  const path = mkdtempSync(join(tmpdir(), 'batchdrop-'));
  return { path, discard: () => rmSync(path, { recursive: true, force: true }) };
}
