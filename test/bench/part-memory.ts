/**
 * Peak memory of each function for one part of maximum size: `npm run bench:memory`. It runs the functions with the
 * local Batch API server and reads what each invocation reported. Its numbers are copied to docs/performance.md by
 * hand.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

const PART_BYTES = 199_500_000;
const ROW_BYTES = 4200;
const PORT = 4577;

const directory = mkdtempSync(join(tmpdir(), 'batchdrop-memory-'));
const data = join(directory, 'data');
const runtime = spawn(
  process.execPath,
  ['bin/batchdrop.ts', 'up', '--data', data, '--port', String(PORT), '--speed', '600'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
try {
  await untilUp(runtime);
  const file = join(directory, 'part.jsonl');
  await writeRows(file);
  execFileSync(process.execPath, ['bin/batchdrop.ts', 'submit', file, '--wait', '--data', data], {
    stdio: 'inherit',
  });
  const peaks = peaksIn(join(data, 'logs'));
  if (peaks.size === 0) throw new Error('no invocation was reported');
  console.log(`node ${process.version}, ${availableParallelism()} cores; one part of ${PART_BYTES / 1e6} MB`);
  for (const [name, megabytes] of peaks) console.log(`${name.padEnd(45)} ${megabytes} MB`);
} finally {
  runtime.kill('SIGINT');
  await once(runtime, 'exit');
  rmSync(directory, { recursive: true, force: true });
}

async function untilUp({ stdout }: ChildProcess): Promise<void> {
  for await (const chunk of stdout ?? []) if (String(chunk).includes('is up')) break;
  stdout?.resume();
}

async function writeRows(file: string): Promise<void> {
  const out = createWriteStream(file);
  const filler = 'x'.repeat(ROW_BYTES - 140);
  for (let row = 0, bytes = 0; bytes < PART_BYTES - ROW_BYTES; row += 1) {
    const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: filler }] };
    const line = `${JSON.stringify({ custom_id: `row-${row}`, method: 'POST', url: '/v1/chat/completions', body })}\n`;
    bytes += line.length;
    if (!out.write(line)) await once(out, 'drain');
  }
  await finished(out.end());
}

/** The largest `maxMemoryUsedMb` in each function's log. */
function peaksIn(logs: string): Map<string, number> {
  const peaks = new Map<string, number>();
  for (const name of readdirSync(logs)) {
    for (const line of readFileSync(join(logs, name), 'utf8').split('\n')) {
      const report = /"maxMemoryUsedMb":(\d+)/.exec(line);
      if (report) peaks.set(name, Math.max(peaks.get(name) ?? 0, Number(report[1])));
    }
  }
  return peaks;
}
