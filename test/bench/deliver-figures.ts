import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RowTableWriter } from '../../functions/shared/part-rows/row-table.ts';
import { SMALL_YOUNG_GENERATION } from '../../lib/stages/young-generation.ts';
import { shuffledRows } from '../../local/openai/faults/seeded-random.ts';
import { atLeast, atMost, type Figure, inTurns, medianOf, medianRatio } from './figures.ts';
import { inChildWith, type Measured } from './in-child.ts';

/** Used for both variants, because they do not make the plain copy slower. */
const NODE_OPTIONS = [SMALL_YOUNG_GENERATION];

const LINE_BYTES = 10_000; // a response of some 2,500 tokens

/**
 * The goal for CPU time, in addition to the one for wall time: 3.4 CPU-s/GB, where a copy takes 2.1. The ratio does not
 * depend on the machine and its load.
 */
const CPU_AGAINST_COPY = atMost(1.62, '× its CPU time');
const AGAINST_COPY = atLeast(60, ' %');

/** The orders in which the API may write the lines. */
const ORDERS = {
  'in any order': (rows: number) => Array.from(shuffledRows(rows, 'bench')),
  'in file order': (rows: number) => Array.from({ length: rows }, (_, row) => row),
};

/** Measures the output of one batch from the Batch API to the results bucket, in the order of the request file. */
export async function deliverFigures(directory: string, turns: number, quick: boolean): Promise<Figure[]> {
  const rows = quick ? 5_000 : 50_000;
  const figures: Figure[] = [];
  for (const [order, rowsOf] of Object.entries(ORDERS)) {
    const paths = { output: join(directory, 'output.jsonl'), table: join(directory, 'part.rows') };
    const bytes = writeOutput(paths, rowsOf(rows));
    figures.push(await figureOf(order, paths, { rows, bytes, turns }));
  }
  return figures;
}

async function figureOf(
  order: string,
  paths: { output: string; table: string },
  { rows, bytes, turns }: { rows: number; bytes: number; turns: number },
): Promise<Figure> {
  const server = spawn(
    process.execPath,
    [fileURLToPath(new URL('results-server.ts', import.meta.url)), paths.output, paths.table],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const [address] = (await once(server.stdout, 'data')) as [Buffer];
    const by = (way: string) => () =>
      inChildWith(NODE_OPTIONS, 'deliver-part.ts', way, address.toString().trim(), `${rows}`, `${bytes}`);
    const { ours, copy } = await inTurns(turns, { ours: by('ours'), copy: by('copy') });
    const cpuPerGb = (measured: Measured[]) =>
      medianOf(measured, ({ cpuMs }) => cpuMs) / 1000 / (bytes / 1e9);
    const shown = (measured: Measured[]) =>
      `${(bytes / 1e3 / medianOf(measured, ({ ms }) => ms)).toFixed(0)} MB/s, ` +
      `${cpuPerGb(measured).toFixed(2)} CPU-s/GB`;
    const peak = (measured: Measured[]) => `${medianOf(measured, ({ rssMb }) => rssMb).toFixed(0)} MB`;
    const ratio = 100 * medianRatio(copy, ours);
    const cpuRatio = medianRatio(ours, copy, ({ cpuMs }) => cpuMs);
    return {
      what: `results of a batch, ${(bytes / 1e6).toFixed(0)} MB ${order}, counted and stored in file order, against a bare copy`,
      ours: shown(ours),
      against: shown(copy),
      ratio: `${ratio.toFixed(0)} %, ${cpuRatio.toFixed(2)}× its CPU time`,
      goal: `${AGAINST_COPY.text}, ${CPU_AGAINST_COPY.text}`,
      good: AGAINST_COPY.isMet(ratio) && CPU_AGAINST_COPY.isMet(cpuRatio),
      notes: `peak ${peak(ours)} against ${peak(copy)}`,
    };
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

/** Writes the lines of these rows, one after the other, and the matching row table. */
function writeOutput(paths: { output: string; table: string }, rows: readonly number[]): number {
  const table = new RowTableWriter();
  for (let row = 0; row < rows.length; row += 1) {
    table.add({ ordinal: row, offset: row * 200, length: 199 }, `request-${row}`);
  }
  writeFileSync(paths.table, table.gathered());
  const text = 'All of it was said before, and none of it was heard. '.repeat(LINE_BYTES / 53);
  const out = openSync(paths.output, 'w');
  let written = 0;
  let lines: string[] = [];
  for (const [rank, row] of rows.entries()) {
    const choices = [{ message: { role: 'assistant', content: text } }];
    const usage = {
      prompt_tokens: 300,
      completion_tokens: 2_500,
      prompt_tokens_details: { cached_tokens: row % 7 },
    };
    const body = { object: 'chat.completion', model: 'gpt-4o-mini-2024-07-18', choices, usage };
    const response = { status_code: 200, request_id: `req_${row}`, body };
    const line = { id: `batch_req_${row}`, custom_id: `request-${row}`, response, error: null };
    lines.push(`${JSON.stringify(line)}\n`);
    if (lines.length < 500 && rank < rows.length - 1) continue;
    written += writeSync(out, lines.join(''));
    lines = [];
  }
  closeSync(out);
  return written;
}
