import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleFunctions } from '../../lib/bundling/bundle.ts';
import { atMost, type Figure, inTurns, medianOf, medianRatio } from './figures.ts';
import type { Measured } from './in-child.ts';

const MAX_KB = 600;
/** Functions that use neither S3 nor the scanner. */
const SMALL: ReadonlySet<string> = new Set(['poll', 'cancel', 'approve', 'webhook']);
const TURNS_A_TURN = 3; // a start is short, but disturbances are long

/**
 * Compares the time until each function's handler is loaded with a bundle that does nothing. Both include Node's own
 * start.
 */
export async function startFigures(directory: string, turns: number): Promise<Figure[]> {
  const bundles = await bundleFunctions(undefined, join(directory, 'functions'));
  const empty = join(directory, 'functions/empty');
  mkdirSync(empty, { recursive: true });
  writeFileSync(join(empty, 'package.json'), '{"type":"commonjs"}');
  writeFileSync(join(empty, 'index.js'), 'exports.handler = async () => {};');
  const figures: Figure[] = [];
  for (const { name, file, bytes } of bundles) {
    const cache = join(directory, `cache-${name}`);
    const { ours, cached, none } = await inTurns(turns * TURNS_A_TURN, {
      ours: async () => start(file),
      cached: async () => start(file, cache),
      none: async () => start(join(empty, 'index.js')),
    });
    const ratio = medianRatio(ours, none);
    const kilobytes = bytes / 1024;
    const goal = atMost(SMALL.has(name) ? 1.8 : 2.2);
    const shown = (measured: Measured[]) => `${medianOf(measured, ({ ms }) => ms).toFixed(0)} ms`;
    figures.push({
      what: `cold start of ${name}, against an empty handler`,
      ours: `${shown(ours)}, ${kilobytes.toFixed(0)} KB`,
      against: shown(none),
      ratio: `${ratio.toFixed(2)}×`,
      goal: `${goal.text}, ≤ ${MAX_KB} KB`,
      good: goal.isMet(ratio) && kilobytes <= MAX_KB,
      notes:
        `${medianRatio(ours, none, ({ cpuMs }) => cpuMs).toFixed(2)}× by CPU; ` +
        `${medianRatio(cached, none).toFixed(2)}× with Node's compile cache, which Lambda does not keep`,
    });
  }
  return figures;
}

/** Starts a process that loads the bundle and ends. */
function start(file: string, compileCache?: string): Measured {
  const script =
    `require(${JSON.stringify(file)}); const { user, system } = process.cpuUsage();` +
    'process.stdout.write(JSON.stringify({ cpuMs: (user + system) / 1000, rssMb: process.resourceUsage().maxRSS / 1024 }))';
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--eval', script], {
    encoding: 'utf8',
    env: { ...environment(), ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }) },
  });
  const ms = performance.now() - begun;
  if (status !== 0) throw new Error(`start ${file}: ${stderr}`);
  return { ms, ...JSON.parse(stdout), counts: {} };
}

/** Returns the variables that the functions need when they start. Nothing is called. */
function environment(): Record<string, string> {
  const names =
    'BUCKET_OWNER COMPLETION_WINDOW DELIVER_QUEUE_URL EVENT_BUS_ARN INTAKE_QUEUE_URL KEEP_OPENAI_FILES LEDGER_TABLE ' +
    'OPENAI_SECRET_ID REQUEST_BUCKET RESULTS_BUCKET SUBMIT_QUEUE_URL WEBHOOK_SECRET_ID AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY';
  const given = Object.fromEntries(names.split(' ').map((name) => [name, 'x']));
  return {
    ...given,
    BATCH_LIMITS: '{"enqueuedTokens":{}}',
    MAX_ATTEMPTS: '3',
    RERUN_MISSING: 'no',
    INSTANCE: 'bench.batchdrop',
    OPENAI_BASE_URL: 'https://api.openai.com/v1',
    AWS_REGION: 'us-east-1',
  };
}
