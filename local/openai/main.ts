/** Runs the Batch API server alone: `node local/openai/main.ts --port N --directory D [--speed S] [--seed N]`. */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VirtualClock } from '../clock.ts';
import type { FaultPlan } from './faults/faults.ts';
import type { Profile } from './profiles/profile.ts';
import { type BatchApiServer, startBatchApi } from './server.ts';

const SAVE_EVERY_MS = 1_000; // of wall time
const SAVED_AHEAD_MS = 2_000; // of wall time: the saved time is later than any time reported before the next save

interface AloneOptions {
  readonly directory: string;
  readonly port: number;
  /** How much faster than wall time the server's clock runs. */
  readonly speed: number;
  readonly seed: number;
  readonly faults?: FaultPlan;
  /** The only valid bearer token. By default, every token is valid. */
  readonly apiKey?: string;
  /** The vendor whose Batch API the server imitates. OpenAI by default. */
  readonly profile?: Profile;
}

/** Runs the server with its own clock, which continues after a restart. */
export async function runBatchApiAlone(options: AloneOptions): Promise<BatchApiServer> {
  const { directory, speed, faults = [], ...others } = options;
  openDirectory(directory);
  const clockPath = join(directory, 'clock');
  const clock = new VirtualClock({ speed, start: Math.max(Date.now(), savedTime(clockPath)) });
  const save = (time: number) => saveTime(clockPath, time);
  const saveAhead = () => save(clock.now() + SAVED_AHEAD_MS * speed);
  const server = await startBatchApi({ ...others, directory, clock, faults });
  try {
    saveAhead(); // before any request gets a response, and only by the server that has the directory
  } catch (cause) {
    await server.close();
    throw cause;
  }
  const saving = setInterval(saveAhead, SAVE_EVERY_MS);
  return {
    ...server,
    async close() {
      clearInterval(saving);
      await server.close();
      save(clock.now());
      clock.close();
    },
  };
}

/** Creates the directory if it is missing. Only its user may read it, because it contains prompts and results. */
function openDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o700);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${directory} cannot be used: ${message}; choose another directory with --directory`, {
      cause,
    });
  }
}

/** Replaces the saved time. If that fails, the earlier one remains, and there is no other effect. */
function saveTime(path: string, time: number): void {
  try {
    writeFileSync(`${path}.new`, String(time));
    renameSync(`${path}.new`, path);
  } catch (cause) {
    rmSync(`${path}.new`, { force: true });
    throw cause;
  }
}

function savedTime(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return 0;
    throw cause;
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8080' },
      directory: { type: 'string', default: '.batchdrop/openai' },
      speed: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
    },
  });
  const server = await runBatchApiAlone({
    directory: values.directory,
    port: Number(values.port),
    speed: Number(values.speed),
    seed: Number(values.seed),
  });
  process.stdout.write(`${server.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}

if (import.meta.main) await main();
