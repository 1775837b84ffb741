/**
 * Peak memory of INTAKE for files of several sizes, for the largest rows, and for the maximum number of rows: `npm run
 * bench:intake`. With your own sizes in MB: `npm run bench:intake -- 100 1000`. It runs the deployed bundle with the
 * template's memory size and the local S3 over HTTP, while submission is paused, so that nothing is sent. It needs
 * twice the largest file on the disk, and removes everything after each file. Its numbers are copied to
 * docs/performance.md by hand.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { type Connection, connect } from '../../bin/connection/connection.ts';
import { createS3ResultStore } from '../../functions/shared/adapters/s3/result-store.ts';
import { FILE_LIMITS } from '../../functions/shared/contract/request-file.ts';
import type { Job } from '../../functions/shared/domain/job.ts';
import { jobIdOf } from '../../functions/shared/domain/job-id.ts';

const SIZES_MB = [100, 1_000, 10_000];
const ROW_BYTES = 4_000; // 2.5 million rows are 10 GB
const BYTES_AT_ONCE = 8_000_000;
const ACCOUNT = '000000000000';
const PORT = '4578';
const LATIN = 'The quick brown fox jumps over the lazy dog, and then once more. ';
const OTHER = 'Größe, naïveté, 日本語, Ελληνικά – und noch einmal von vorn. ';

/** A file to generate. */
interface Shape {
  name: string;
  rows: number;
  lineOf: (row: number) => Buffer;
}

const ofSize = (megabytes: number): Shape => ({
  name: `${megabytes} MB of rows of ${ROW_BYTES} bytes`,
  rows: Math.round((megabytes * 1e6) / ROW_BYTES),
  lineOf: (row) => chatLine(row, ROW_BYTES, 'gpt-4o-mini'),
});
const EXTREMES: Shape[] = [
  {
    name: 'rows of 32 MiB',
    rows: 12,
    lineOf: (row) => chatLine(row, FILE_LIMITS.rowBytes + 1, 'gpt-4o-mini'), // a line end does not belong to the row
  },
  {
    name: 'as many short rows as allowed, of 100 models in turn',
    rows: FILE_LIMITS.rows,
    lineOf: (row) => chatLine(row, 200, `model-${row % FILE_LIMITS.groups}`),
  },
];

const sizes = process.argv.slice(2).map(Number);
if (sizes.some((size) => !(size > 0))) throw new Error('sizes are numbers of MB');
console.log(`node ${process.version}, ${availableParallelism()} cores`);
const shapes = sizes.length > 0 ? sizes.map(ofSize) : [...SIZES_MB.map(ofSize), ...EXTREMES];
for (const shape of shapes) console.log(await measured(shape));

/** Returns one line of the table. */
async function measured(shape: Shape): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-intake-'));
  const runtime = spawn(process.execPath, ['bin/batchdrop.ts', 'up', '--data', directory, '--port', PORT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await untilUp(runtime);
    execFileSync(process.execPath, ['bin/batchdrop.ts', 'pause', '--data', directory]);
    const connection = await connect({ data: directory });
    try {
      const jobId = await put(connection, shape);
      const disk = execFileSync('du', ['-sm', directory], { encoding: 'utf8' }).split('\t')[0];
      const job = await untilPlanned(connection, jobId);
      const { peakMb, seconds, turns } = await invocationsUntil(job.changedAt, join(directory, 'logs'));
      return [
        `${shape.name}: ${job.plan?.rows} rows, ${job.plan?.parts} parts,`,
        `peak RSS ${peakMb} MB, ${seconds.toFixed(1)} s of INTAKE in ${turns} invocations, ${disk} MB of disk`,
      ].join(' ');
    } finally {
      connection.close();
    }
  } finally {
    runtime.kill('SIGINT');
    await once(runtime, 'exit');
    rmSync(directory, { recursive: true, force: true });
  }
}

async function untilUp({ stdout }: ChildProcess): Promise<void> {
  for await (const chunk of stdout?.iterator({ destroyOnReturn: false }) ?? [])
    if (String(chunk).includes('is up')) break;
  stdout?.resume();
}

/** Streams generated rows into the request bucket. Returns their job's id. */
async function put({ s3, names }: Connection, { rows, lineOf }: Shape): Promise<string> {
  const [bucket, key] = [names.requestBucket, 'large.jsonl'];
  const writer = createS3ResultStore({ client: s3, bucket, owner: ACCOUNT }).openWriter(
    key,
    'application/jsonl',
  );
  const atOnce = Math.max(1, Math.floor(BYTES_AT_ONCE / lineOf(0).length));
  for (let row = 0; row < rows; row += atOnce) {
    const lines = Array.from({ length: Math.min(atOnce, rows - row) }, (_, at) => lineOf(row + at));
    await writer.write(Buffer.concat(lines));
  }
  await writer.close();
  const { VersionId: versionId = '' } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
  return jobIdOf({ bucket, key, versionId });
}

/** Returns a chat request of this many bytes, including its line end. 30 % contain multi-byte characters. */
function chatLine(row: number, bytes: number, model: string): Buffer {
  const line = (content: string) => {
    const body = { model, messages: [{ role: 'user', content }] };
    const id = `request-${String(row).padStart(12, '0')}`;
    return `${JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body })}\n`;
  };
  const text = row % 10 < 3 ? OTHER : LATIN;
  const whole = text.repeat(Math.floor((bytes - Buffer.byteLength(line(''))) / Buffer.byteLength(text)));
  return Buffer.from(line(whole + '.'.repeat(bytes - Buffer.byteLength(line(whole)))));
}

async function untilPlanned({ ledger }: Connection, jobId: string): Promise<Job> {
  for (;;) {
    const job = await ledger.readJob(jobId);
    if (job?.status === 'accepted') return job;
    if (job && job.status !== 'received') throw new Error(`job ${jobId} is ${job.status}`);
    await pause(500);
  }
}

/** Returns the sum of the reports in INTAKE's log, once the invocation that was running at that time is over. */
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
