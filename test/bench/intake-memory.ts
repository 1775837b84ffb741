/**
 * Peak memory of INTAKE over files of several sizes: `npm run bench:intake`, or with sizes in MB of one's own,
 * `npm run bench:intake -- 100 1000`. Runs the deployed bundle against local S3 over its real wire, as the template
 * sizes it, with submission paused: nothing is sent on. Needs twice the largest size on the disk; all is removed after
 * each size. Its numbers go into docs/performance.md by hand.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { type Connection, connect } from '../../bin/connection.ts';
import { createS3ResultStore } from '../../functions/shared/adapters/s3-result-store.ts';
import type { Job } from '../../functions/shared/core/job.ts';
import { jobIdOf } from '../../functions/shared/core/job-id.ts';

const SIZES_MB = [100, 1_000, 10_000];
const ROW_BYTES = 4_000; // 2.5 million rows are 10 GB
const ROWS_AT_ONCE = 2_000;
const ACCOUNT = '000000000000';
const PORT = '4578';
const LATIN = 'The quick brown fox jumps over the lazy dog, and then once more. ';
const OTHER = 'Größe, naïveté, 日本語, Ελληνικά – und noch einmal von vorn. ';

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : SIZES_MB;
if (sizes.some((size) => !(size > 0))) throw new Error('sizes are numbers of MB');
console.log(`node ${process.version}, ${availableParallelism()} cores; rows of ${ROW_BYTES} bytes`);
for (const size of sizes) console.log(await measured(size * 1e6));

/** One line of the table. */
async function measured(bytes: number): Promise<string> {
  const room = mkdtempSync(join(tmpdir(), 'batchdrop-intake-'));
  const runtime = spawn(process.execPath, ['bin/batchdrop.ts', 'up', '--data', room, '--port', PORT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await untilUp(runtime);
    execFileSync(process.execPath, ['bin/batchdrop.ts', 'pause', '--data', room]);
    const connection = await connect({ data: room });
    try {
      const jobId = await put(connection, bytes);
      const disk = execFileSync('du', ['-sm', room], { encoding: 'utf8' }).split('\t')[0];
      const job = await untilPlanned(connection, jobId);
      const { peakMb, seconds, turns } = await invocationsUntil(job.changedAt, join(room, 'logs'));
      return [
        `${bytes / 1e6} MB, ${job.plan?.rows} rows, ${job.plan?.parts} parts:`,
        `peak RSS ${peakMb} MB, ${seconds.toFixed(1)} s of INTAKE in ${turns} invocations, ${disk} MB of disk`,
      ].join(' ');
    } finally {
      connection.close();
    }
  } finally {
    runtime.kill('SIGINT');
    await once(runtime, 'exit');
    rmSync(room, { recursive: true, force: true });
  }
}

async function untilUp({ stdout }: ChildProcess): Promise<void> {
  for await (const chunk of stdout?.iterator({ destroyOnReturn: false }) ?? [])
    if (String(chunk).includes('is up')) break;
  stdout?.resume();
}

/** Streams made-up rows into the request bucket; answers their job's id. */
async function put({ s3, names }: Connection, bytes: number): Promise<string> {
  const [bucket, key] = [names.requestBucket, 'large.jsonl'];
  const writer = createS3ResultStore({ client: s3, bucket, owner: ACCOUNT }).openWriter(
    key,
    'application/jsonl',
  );
  const rows = Math.round(bytes / ROW_BYTES);
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const lines = Array.from({ length: Math.min(ROWS_AT_ONCE, rows - row) }, (_, at) => lineOf(row + at));
    await writer.write(Buffer.concat(lines));
  }
  await writer.close();
  const { VersionId: versionId = '' } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
  return jobIdOf({ bucket, key, versionId });
}

/** A chat request of exactly ROW_BYTES; three of ten hold characters of more than a byte. */
function lineOf(row: number): Buffer {
  const line = (content: string) => {
    const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content }] };
    const id = `request-${String(row).padStart(12, '0')}`;
    return `${JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body })}\n`;
  };
  const text = row % 10 < 3 ? OTHER : LATIN;
  const whole = text.repeat(Math.floor((ROW_BYTES - Buffer.byteLength(line(''))) / Buffer.byteLength(text)));
  return Buffer.from(line(whole + '.'.repeat(ROW_BYTES - Buffer.byteLength(line(whole)))));
}

async function untilPlanned({ ledger }: Connection, jobId: string): Promise<Job> {
  for (;;) {
    const job = await ledger.readJob(jobId);
    if (job?.status === 'accepted') return job;
    if (job && job.status !== 'received') throw new Error(`job ${jobId} is ${job.status}`);
    await pause(500);
  }
}

/** What the reports in INTAKE's log say together, once the invocation is over that was under way at that time. */
async function invocationsUntil(
  time: number,
  logs: string,
): Promise<{ peakMb: number; seconds: number; turns: number }> {
  for (;;) {
    const reports = readdirSync(logs)
      .filter((name) => name.includes('intake'))
      .flatMap((name) => readFileSync(join(logs, name), 'utf8').split('\n'))
      .filter((line) => line.includes('platform.report'))
      .map((line): { time: string; durationMs: number; maxMemoryUsedMb: number } => JSON.parse(line));
    if (reports.some((report) => Date.parse(report.time) >= time)) {
      return {
        peakMb: Math.max(...reports.map(({ maxMemoryUsedMb }) => maxMemoryUsedMb)),
        seconds: reports.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000,
        turns: reports.length,
      };
    }
    await pause(500);
  }
}
