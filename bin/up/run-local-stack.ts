import type { AwsEvent } from '../../local/aws/events/event.ts';
import type { BatchApiChoice } from '../../local/runtime/batch-api.ts';
import { WiringFaults } from '../../local/runtime/check-wiring.ts';
import { DataDirectory } from '../../local/runtime/data-directory.ts';
import { type Runtime, startRuntime } from '../../local/runtime/runtime.ts';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import type { Batchdrop } from '../../local/runtime/template/batchdrops.ts';
import { type Connection, connectionTo } from '../connection/connection.ts';
import { DATA_DIRECTORY } from '../connection/target.ts';
import { type RunningConsole, startConsole } from '../console/console-server.ts';
import { endOnFullDisk } from '../terminal/end-on-full-disk.ts';
import { printableJson } from '../terminal/escape-control-characters.ts';
import { Failure } from '../terminal/failure.ts';
import { askOnTerminal, say } from '../terminal/prompt.ts';
import { untilStopped } from '../terminal/stop-signal.ts';
import { temporaryFolder } from '../terminal/temporary-folder.ts';
import { type AppChoice, assembledApp, type OwnStack, ownStackUnless, sdkPlaces } from './assembly-source.ts';
import { awaitExample, dropExample } from './example-job.ts';
import { pricesIn } from './prices-file.ts';
import { oneByOne, protectSpending } from './protect-spending.ts';
import { isPaid, otherBatchApi, realBatchApi, sendsWebhooks } from './real-batch-api.ts';
import { printEvents, printLogs, printProblems } from './run-output.ts';
import { withFiles } from './stack-context.ts';
import { type ShownBatchdrop, welcome } from './welcome.ts';

/** The options of `batchdrop up`. */
export interface UpOptions extends AppChoice {
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
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** One run of `batchdrop up`. */
interface Run {
  readonly options: UpOptions;
  readonly api: BatchApiChoice;
  /** The stack to run. Undefined: the CDK app that the options or the current folder name. */
  readonly own: OwnStack | undefined;
  /** Asks the user. Returns true for yes. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<boolean>;
  /** Aborted when the run must end. */
  readonly stopped: AbortSignal;
}

const DEFAULT_SPEED = { local: 60, real: 1, server: 1 }; // the clock of another server is assumed to be in real time

/**
 * Runs the app until it is stopped or, with --exit, until the example has ended. Throws if it cannot start. `ownStack`: what runs
 * without an app.
 */
export async function up(options: UpOptions, ownStack?: OwnStack): Promise<void> {
  const api = batchApiOf(options);
  const own = ownStackUnless(options, ownStack);
  checkOptions(options, api, own !== undefined);
  const stopping = new AbortController();
  void untilStopped().then(() => stopping.abort());
  await runStack({ options, api, own, ask: askOnTerminal, stopped: stopping.signal });
}

function batchApiOf({ real, batchApi }: UpOptions): BatchApiChoice {
  if (batchApi !== undefined) return otherBatchApi(batchApi, process.env);
  return real ? realBatchApi(process.env) : { kind: 'local' };
}

function serverOf(api: BatchApiChoice): string | undefined {
  return api.kind === 'server' ? api.baseUrl : undefined;
}

/** Throws a Failure for options that the chosen API or the app does not allow. */
function checkOptions(options: UpOptions, api: BatchApiChoice, isOwn: boolean): void {
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
  if (isOwn) return;
  if (options.exit)
    throw new Failure('--exit waits for the example job, which a CDK app of your own does not get.');
  if (options.prices !== undefined)
    throw new Failure('--prices works only without a CDK app of your own: set the prop `prices` there.');
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
      const assembly = await assembled(run, data);
      if (!run.stopped.aborted) await withRuntime(run, data, assembly);
    } finally {
      forget();
      data.release();
    }
  } finally {
    discard();
  }
}

/** Returns the folder of the assembly. */
async function assembled({ options, api, own, stopped }: Run, data: DataDirectory): Promise<string> {
  const print = (line: string) => {
    if (!options.json) say(line);
  };
  if (own === undefined) return await assembledApp(options, { data, print, stopped });
  return await own.assemble({
    onBuild: () =>
      print('It builds the functions and the template first, because the source is new or has changed.'),
    context: {
      ...withFiles(options.context),
      ...(sendsWebhooks(api) && { webhook: 'yes' }),
      ...(options.prices !== undefined && { prices: await pricesIn(options.prices) }),
    },
  });
}

async function withRuntime(run: Run, data: DataDirectory, assemblyDirectory: string): Promise<void> {
  const { api, options } = run;
  const listeners: ((event: AwsEvent) => void)[] = [printEvents(options.json ?? false)];
  const whenUp: (() => void)[] = [];
  const owner = isPaid(api) ? data.ownerCredentials() : undefined;
  const connections: Connection[] = [];
  const runtime = await startedRuntime({
    data,
    assemblyDirectory,
    port: options.port,
    speed: options.speed ?? DEFAULT_SPEED[api.kind],
    api,
    ...(owner !== undefined && { owner }),
    ...(run.own === undefined && {
      app: { only: options.only, sdkFrom: sdkPlaces(), onLog: printLogs(options.json ?? false) },
    }),
    onEvent: (event) => {
      for (const listener of listeners) listener(event);
    },
    onProblem: printProblems(),
    beforeFunctions: async (endpoints) => {
      for (const batchdrop of endpoints.batchdrops)
        connections.push(connectionTo({ ...batchdrop, url: endpoints.url }, owner));
      if (isPaid(api)) await protectAll(run, data, { connections, endpoints, listeners, whenUp });
    },
  });
  const pages: RunningConsole[] = [];
  try {
    const { endpoints } = runtime;
    for (const batchdrop of endpoints.batchdrops) {
      const connect = async (onLedgerCall: () => void) =>
        connectionTo({ ...batchdrop, url: endpoints.url }, owner, onLedgerCall);
      // The others take any free port.
      const isFirst = pages.length === 0;
      pages.push(await startConsole({ ...((options.port === 0 || !isFirst) && { port: 0 }), connect }));
    }
    printWelcome(run, data, runtime, pages);
    for (const begin of whenUp) begin();
    await stayUp(run, data, connections);
  } finally {
    for (const page of pages) await page.close();
    for (const connection of connections) connection.close();
    await runtime.close();
  }
}

/** Starts the runtime. What AWS would refuse becomes one line for each fault. */
async function startedRuntime(options: Parameters<typeof startRuntime>[0]): Promise<Runtime> {
  try {
    return await startRuntime(options);
  } catch (cause) {
    if (!(cause instanceof WiringFaults)) throw cause;
    throw new Failure('AWS would refuse this app, or lose events. Nothing was started.', {
      cause,
      lines: cause.lines,
    });
  }
}

/** For an API that costs money: protects each Batchdrop of the app. */
async function protectAll(
  { options, ask, stopped }: Run,
  data: DataDirectory,
  up: {
    connections: readonly Connection[];
    endpoints: RuntimeEndpoints;
    listeners: ((event: AwsEvent) => void)[];
    whenUp: (() => void)[];
  },
): Promise<void> {
  const protection = {
    yes: options.yes ?? false,
    api: up.endpoints.openAiUrl,
    ask: oneByOne(ask),
    print: options.json ? console.error : say,
    stopped,
    directory: data.subdirectory('results'),
  };
  for (const connection of up.connections) {
    const { notice, whenUp } = await protectSpending(connection, protection);
    up.listeners.push(notice);
    up.whenUp.push(whenUp);
  }
}

function printWelcome(
  { options, api, own }: Run,
  data: DataDirectory,
  { endpoints, clock }: Pick<Runtime, 'endpoints' | 'clock'>,
  pages: readonly RunningConsole[],
): void {
  const consoleUrls = pages.map(({ url }) => url);
  if (options.json) {
    const [consoleUrl] = consoleUrls;
    const several = consoleUrls.length > 1 && { consoleUrls };
    console.log(printableJson({ ...endpoints, consoleUrl, ...several }));
    return;
  }
  const shown = options.ephemeral ? data.path : (options.data ?? DATA_DIRECTORY[api.kind]);
  const { ephemeral } = options;
  const batchdrops = endpoints.batchdrops.map(
    (batchdrop: Batchdrop, at): ShownBatchdrop => ({ ...batchdrop, consoleUrl: consoleUrls[at] ?? '' }),
  );
  console.log(
    welcome(endpoints, {
      data: shown,
      batchdrops,
      isApp: own === undefined,
      isPaid: isPaid(api),
      speed: clock.speed,
      owner: isPaid(api) ? data.ownerCredentials() : undefined,
      isUrlForOthers: api.kind !== 'local',
      ...(ephemeral && { ephemeral }),
    }),
  );
}

async function stayUp(
  { options, api, own, stopped }: Run,
  data: DataDirectory,
  [connection]: readonly Connection[],
): Promise<void> {
  if (connection === undefined) throw new Error('The runtime started without its endpoints.');
  if (own !== undefined && api.kind === 'local' && data.exampleJobId === undefined)
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

function dataDirectoryOf({ options, api }: Run): { path: string; discard: () => void } {
  if (!options.ephemeral) return { path: options.data ?? DATA_DIRECTORY[api.kind], discard: () => {} };
  return temporaryFolder('batchdrop');
}
