/**
 * Writes a batch's output and error file: first the rows that ran, in order of rank (which differs from the order of
 * the input), then the unfinished ones. The same batch always gives the same bytes, so an interrupted write is repeated
 * from the start.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { seededHex, shuffledRows } from '../faults/seeded-random.ts';
import { readLines } from '../files/line-reader.ts';
import type { TokenUsage } from './batch-record.ts';
import { oddLine } from './odd-lines.ts';
import { isRow, MAX_LINE, parseRow, type RequestRow } from './request-row.ts';
import { failedRow, runRow } from './row-outcome.ts';

interface ResultPlan {
  readonly inputPath: string;
  readonly outputPath: string;
  readonly errorPath: string;
  readonly endpoint: string;
  /** Determines the order and ids of the results. */
  readonly key: string;
  /** Determines their contents, together with the rows. */
  readonly seed: string;
  readonly rows: number;
  readonly ranRows: number;
  /** The lines have odd shapes; see odd-lines.ts. */
  readonly isOdd: boolean;
  readonly createdSeconds: number;
  /** Rows that a fault makes fail, in addition to those that fail by themselves. */
  readonly failing: { readonly status: number; readonly rows: ReadonlySet<number> } | null;
  /** The error of a row that did not run. */
  readonly unfinished: { readonly code: string; readonly message: string };
  /** Called with the succeeded rows, in order of rank, several at a time. */
  readonly onSucceeded: (rows: readonly SucceededRow[]) => void;
}

export interface SucceededRow extends TokenUsage {
  readonly customId: string;
}

export interface ResultSummary {
  readonly outputBytes: number;
  readonly errorBytes: number;
  readonly usage: TokenUsage;
}

const PAUSE_ROWS = 64;
const PAUSE_BYTES = 512 * 1024;
const WRITE_CHARACTERS = 256 * 1024;

/** Returns the order in which the rows of a batch finish: the row at each rank. */
export function rowsByRank(rows: number, key: string): Uint32Array {
  return shuffledRows(rows, `${key}/order`);
}

/** Writes both files, which may be empty. If `signal` is aborted, throws and leaves the files unfinished. */
export async function writeResults(plan: ResultPlan, signal: AbortSignal): Promise<ResultSummary> {
  const input = new RowsByNumber(plan.inputPath, await indexLines(plan.inputPath, plan.rows));
  const output = await LineWriter.open(plan.outputPath);
  const errors = await LineWriter.open(plan.errorPath);
  const usage = { inputTokens: 0, outputTokens: 0 };
  let succeeded: SucceededRow[] = [];
  const pause = async () => {
    plan.onSucceeded(succeeded);
    succeeded = [];
    await setImmediate();
    signal.throwIfAborted();
  };
  try {
    let bytesSincePause = 0;
    for (const [rank, row] of rowsByRank(plan.rows, plan.key).entries()) {
      const { request, bytes } = input.read(row, plan.endpoint);
      const ending = rank < plan.ranRows ? runLine(plan, request, row) : unfinishedLine(plan, request);
      await (ending.succeeded === null ? errors : output).write(ending.line);
      if (ending.succeeded !== null) {
        succeeded.push(ending.succeeded);
        usage.inputTokens += ending.succeeded.inputTokens;
        usage.outputTokens += ending.succeeded.outputTokens;
      }
      bytesSincePause += bytes;
      if ((rank + 1) % PAUSE_ROWS !== 0 && bytesSincePause < PAUSE_BYTES) continue;
      bytesSincePause = 0;
      await pause();
    }
    await pause();
    return { outputBytes: await output.flush(), errorBytes: await errors.flush(), usage };
  } finally {
    input.close();
    await output.close();
    await errors.close();
  }
}

interface ResultLine {
  readonly line: string;
  readonly succeeded: SucceededRow | null;
}

function runLine(plan: ResultPlan, request: RequestRow, row: number): ResultLine {
  const key = `${plan.key}/${request.customId}`;
  const outcome = plan.failing?.rows.has(row)
    ? failedRow(plan.failing.status)
    : runRow(request, plan.endpoint, { key, seed: plan.seed }, plan.createdSeconds);
  const response = {
    status_code: outcome.statusCode,
    request_id: seededHex(`${key}/request`, 32),
    body: outcome.body,
  };
  const line = { id: lineId(key), custom_id: request.customId, response, error: null };
  return {
    line: JSON.stringify(plan.isOdd ? oddLine(line, row) : line),
    succeeded: outcome.statusCode < 400 ? { customId: request.customId, ...outcome.usage } : null,
  };
}

function unfinishedLine(plan: ResultPlan, request: RequestRow): ResultLine {
  const id = lineId(`${plan.key}/${request.customId}`);
  const line = { id, custom_id: request.customId, response: null, error: plan.unfinished };
  return { line: JSON.stringify(line), succeeded: null };
}

const lineId = (key: string) => `batch_req_${seededHex(`${key}/line`, 32)}`;

interface LineIndex {
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
}

async function indexLines(path: string, rows: number): Promise<LineIndex> {
  const offsets = new Float64Array(rows);
  const lengths = new Uint32Array(rows);
  for await (const line of readLines(path, MAX_LINE)) {
    offsets[line.number - 1] = line.offset;
    lengths[line.number - 1] = line.length;
  }
  return { offsets, lengths };
}

/** Reads single rows of the input file by number. A validated file contains only rows. */
class RowsByNumber {
  readonly #file: number;
  readonly #index: LineIndex;

  constructor(path: string, index: LineIndex) {
    this.#file = openSync(path, 'r');
    this.#index = index;
  }

  /** Reads synchronously, because 50,000 small reads from the page cache are not worth a thread switch each. */
  read(row: number, endpoint: string): { request: RequestRow; bytes: number } {
    const bytes = Buffer.allocUnsafe(this.#index.lengths[row] ?? 0);
    readSync(this.#file, bytes, 0, bytes.length, this.#index.offsets[row] ?? 0);
    const request = parseRow(bytes, endpoint);
    if (!isRow(request)) throw new Error(`line ${row + 1} of a validated file: ${request.code}`);
    return { request, bytes: bytes.length };
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Writes lines to a file, several hundred KB at a time. */
class LineWriter {
  readonly #file: FileHandle;
  #lines: string[] = [];
  #characters = 0;
  #written = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<LineWriter> {
    return new LineWriter(await open(path, 'w'));
  }

  async write(line: string): Promise<void> {
    this.#lines.push(line, '\n');
    this.#characters += line.length + 1;
    if (this.#characters >= WRITE_CHARACTERS) await this.flush();
  }

  /** Writes the buffered lines; returns the size of the file in bytes. */
  async flush(): Promise<number> {
    const bytes = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#characters = 0;
    await this.#file.appendFile(bytes);
    this.#written += bytes.length;
    return this.#written;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
