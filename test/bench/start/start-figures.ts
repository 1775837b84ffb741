import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { bundleFunctions } from '../../../lib/bundling/bundle.ts';
import { FUNCTION_NAMES } from '../../../lib/stages/function-bundles.ts';
import { atMost, type Figure, inTurns, medianOf, medianRatio } from '../figures.ts';
import type { Measured } from '../in-child.ts';
import { emptyAws, FIRST_EVENT, REFUSAL } from './first-message.ts';

const MAX_KB = 600;
/** Functions that use neither S3 nor the scanner. */
const SMALL: ReadonlySet<string> = new Set(['poll', 'cancel', 'approve', 'webhook']);
const TURNS_A_TURN = 3; // a start is short, but disturbances are long
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

/** A function that has the SDK's client of the ledger and nothing else, for comparison: no function of ours loads it. */
const SDK_ALONE = `import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
const client = new DynamoDBClient({});
export const handler = async () => client.send(new GetItemCommand({ TableName: 'x', Key: { pk: { S: 'x' } } }));
`;

/**
 * Compares the time until each function's handler is loaded with a bundle that does nothing, and measures the time until it
 * has served a first message for which there is nothing to do. All include Node's own start.
 */
export async function startFigures(directory: string, turns: number): Promise<Figure[]> {
  const bundles = await bundleFunctions(undefined, join(directory, 'functions'));
  const sdkAlone = await bundledSdk(directory);
  const empty = emptyFunction(directory);
  const aws = await emptyAws();
  const by =
    (file: string, options: StartOptions = {}) =>
    () =>
      start(file, aws.url, options);
  try {
    const { none, sdk } = await inTurns(turns * TURNS_A_TURN, { sdk: by(sdkAlone), none: by(empty) });
    const figures: Figure[] = [
      {
        what: "cold start of the SDK's client of DynamoDB alone, against an empty handler",
        ...{ ours: shown(sdk), against: shown(none), ratio: `${medianRatio(sdk, none).toFixed(2)}×` },
        ...{ goal: '', good: true, notes: 'no function loads it (ADR 0032)' },
      },
    ];
    for (const { name, file, bytes } of bundles) {
      const { ours, cached, served, nothing } = await inTurns(turns * TURNS_A_TURN, {
        ours: by(file),
        cached: by(file, { compileCache: join(directory, `cache-${name}`) }),
        served: by(file, firstMessageOf(name)),
        nothing: by(empty),
      });
      const ratio = medianRatio(ours, nothing);
      const kilobytes = bytes / 1024;
      const goal = atMost(SMALL.has(name) ? 1.8 : 2.2);
      const notes = [
        `${medianRatio(ours, nothing, ({ cpuMs }) => cpuMs).toFixed(2)}× by CPU`,
        `${medianRatio(cached, nothing).toFixed(2)}× with Node's compile cache, which Lambda does not keep`,
        `a first message served after ${shown(served)}, ${medianRatio(served, nothing).toFixed(2)}×`,
      ];
      figures.push({
        what: `cold start of ${name}, against an empty handler`,
        ours: `${shown(ours)}, ${kilobytes.toFixed(0)} KB`,
        against: shown(nothing),
        ratio: `${ratio.toFixed(2)}×`,
        goal: `${goal.text}, ≤ ${MAX_KB} KB`,
        good: goal.isMet(ratio) && kilobytes <= MAX_KB,
        notes: notes.join('; '),
      });
    }
    return figures;
  } finally {
    aws.server.close();
  }
}

const shown = (measured: Measured[]) => `${medianOf(measured, ({ ms }) => ms).toFixed(0)} ms`;

function emptyFunction(directory: string): string {
  const folder = join(directory, 'functions/empty');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
  writeFileSync(join(folder, 'index.js'), 'exports.handler = async () => {};');
  return join(folder, 'index.js');
}

/** Its source lies in the project, where its packages are found. */
async function bundledSdk(directory: string): Promise<string> {
  mkdirSync(join(PROJECT, 'dist'), { recursive: true });
  const source = mkdtempSync(join(PROJECT, 'dist', 'sdk-alone-'));
  try {
    for (const name of FUNCTION_NAMES) {
      mkdirSync(join(source, name));
      writeFileSync(join(source, name, 'index.ts'), SDK_ALONE);
    }
    const [bundle] = await bundleFunctions(source, join(directory, 'sdk-alone'));
    return bundle?.file ?? '';
  } finally {
    rmSync(source, { recursive: true, force: true });
  }
}

interface StartOptions {
  compileCache?: string;
  /** What the handler is called with; absent: the bundle is only loaded. */
  event?: object | undefined;
  /** Part of the error with which the handler refuses it; absent: it does not. */
  refusal?: string | undefined;
}

function firstMessageOf(name: string): StartOptions {
  const event = FIRST_EVENT[name];
  if (event === undefined) throw new Error(`${name} has no first event in first-message.ts`);
  return { event, refusal: REFUSAL[name] };
}

/** Starts a process that loads the bundle, serves the event if there is one, and ends. */
async function start(file: string, awsUrl: string, options: StartOptions): Promise<Measured> {
  const { compileCache, event, refusal } = options;
  const context = '{ getRemainingTimeInMillis: () => 60000 }';
  const serve =
    event &&
    `await require(${JSON.stringify(file)}).handler(${JSON.stringify(event)}, ${context})` +
      `.then((result) => { if (${refusal !== undefined}) throw new Error('not refused'); })` +
      `.catch((error) => { if (!String(error).includes(${JSON.stringify(refusal ?? 'not at all')})) throw error; });`;
  const script =
    `(async () => { require(${JSON.stringify(file)}); ${serve ?? ''} const { user, system } = process.cpuUsage();` +
    'process.stderr.write(JSON.stringify({ cpuMs: (user + system) / 1000, rssMb: process.resourceUsage().maxRSS / 1024 }));' +
    'process.exit() })()';
  const begun = performance.now();
  const child = spawn(process.execPath, ['--eval', script], {
    stdio: ['ignore', 'ignore', 'pipe'], // the log and the metrics go to stdout
    env: {
      ...environment(),
      AWS_ENDPOINT_URL: awsUrl,
      ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
    },
  });
  const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  const ms = performance.now() - begun;
  if (status !== 0 || !said.startsWith('{')) throw new Error(`start ${file}: ${said.slice(-1_000)}`); // after the bundle's text
  return { ms, ...JSON.parse(said), counts: {} };
}

/** Returns the variables that the functions need when they start. */
function environment(): Record<string, string> {
  const names =
    'BUCKET_OWNER COMPLETION_WINDOW DELIVER_QUEUE_URL EVENT_BUS_ARN INTAKE_QUEUE_URL KEEP_OPENAI_FILES LEDGER_TABLE ' +
    'OPENAI_SECRET_ID REQUEST_BUCKET RESULTS_BUCKET SUBMIT_QUEUE_URL WEBHOOK_SECRET_ID AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY';
  const given = Object.fromEntries(names.split(' ').map((name) => [name, 'x']));
  return {
    ...given,
    RESULTS_BUCKET: 'y', // not the request bucket
    BATCH_LIMITS: '{"enqueuedTokens":{}}',
    MAX_ATTEMPTS: '3',
    RERUN_MISSING: 'no',
    INSTANCE: 'bench.batchdrop',
    OPENAI_BASE_URL: 'https://api.openai.com/v1',
    AWS_REGION: 'us-east-1',
  };
}
