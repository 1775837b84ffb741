/**
 * Measures what rows of a model use, from batches that completed. Estimates are based on it (`estimate.ts`).
 *
 * The rows of a model are divided into kinds by the limit that they set for their output, in powers of two. One model may
 * classify texts and write stories, but hardly ever with the same limit. Each kind has one entry with averages. A batch of
 * many rows weighs more than one of few rows, but never more than `FULL_WEIGHT`, because the rows of one batch are alike.
 * Each batch is also compared with what was expected of it. The entry keeps the mean difference, so that estimates know how
 * far they can be wrong.
 *
 * The entries are in the ledger's control item, because POLL reads and writes it in each tick anyway. An item of its own would
 * cost each small job one more write. WEBHOOK sees most ends before POLL, and writes only if the batch is news (`isNews`).
 * DELIVER does the same for batches that report no tokens. The function that applies the end of a batch counts it, so no
 * batch counts twice. A tick that dies loses its batches: the measurement is only a sample.
 */
import type { OutputBounds } from './output-bounds.ts';

/** Rows of one model: a file, a part of it, or a slice of a part. */
export interface RowsToRun {
  model: string;
  rows: number;
  /** The exact length of their upload. */
  uploadBytes: number;
  /** The most output tokens; absent: nothing is known of them. */
  output?: OutputBounds;
}

/** Rows that ran, and the tokens that they used. */
export interface UsedRows extends RowsToRun {
  usage: { inputTokens: number; cachedInputTokens: number; outputTokens: number };
}

/** What rows of one kind use. */
export interface MeasuredRows {
  model: string;
  /** The binary logarithm of their limit, rounded down; absent: they have none. */
  bound?: number;
  /** How many rows the averages are worth. */
  weight: number;
  /** Input tokens per byte of content. */
  input: number;
  /** The share of the input that came from the vendor's cache. */
  cached: number;
  /** Output tokens per row. */
  output: number;
  /** How far batches differed from what was expected: the mean square, in assumed standard deviations. */
  misses: { input: number; output: number };
  /** When a batch last counted, in milliseconds. */
  at: number;
}

/** The assumed standard deviation, relative to the average: from row to row, and from batch to batch. */
const VARIATION = {
  input: { row: 0.3, batch: 0.05 },
  output: { row: 1.25, batch: 0.1 }, // answers have long tails: the square of an exponential distribution's is 1
} as const;

/** The maximum weight of one batch, in rows: beyond it, more rows of the same batch make the average no better. */
const FULL_WEIGHT = (VARIATION.output.row / VARIATION.output.batch) ** 2;
const MAX_WEIGHT = 10 * FULL_WEIGHT; // older batches fade
const MISS_SHARE = 0.25; // of the newest batch in the mean square
const MAX_MISS = 100;
const MIN_MISS = 0.25;
const MAX_KINDS = 50; // 8 KB of the control item
const NEWS_AFTER_MS = 10 * 60_000;
const DIGITS = 5;

/** The JSON around the content of a row, such as id, method and URL, is not billed. */
const ENVELOPE_BYTES = 120;
const MIN_CONTENT = 0.25; // of the bytes

/** Returns about how many bytes of the rows are content. */
export function contentBytes({ rows, uploadBytes }: Pick<RowsToRun, 'rows' | 'uploadBytes'>): number {
  return Math.max(uploadBytes - ENVELOPE_BYTES * rows, MIN_CONTENT * uploadBytes);
}

/** Returns the measurement of rows of this kind. */
export function measuredOf(
  all: readonly MeasuredRows[],
  rows: Pick<RowsToRun, 'model' | 'rows' | 'output'>,
): MeasuredRows | undefined {
  const bound = kindOf(rows);
  return all.find((one) => one.model === rows.model && one.bound === bound);
}

/** Returns the measurement of other rows of the model: those with the nearest limit. */
export function nearestOf(
  all: readonly MeasuredRows[],
  rows: Pick<RowsToRun, 'model' | 'rows' | 'output'>,
): MeasuredRows | undefined {
  const bound = kindOf(rows) ?? Number.MAX_SAFE_INTEGER;
  const distance = (one: MeasuredRows) => Math.abs((one.bound ?? Number.MAX_SAFE_INTEGER) - bound);
  return all.filter(({ model }) => model === rows.model).sort((a, b) => distance(a) - distance(b))[0];
}

/** Returns the kind of most of the rows: the binary logarithm of their limit, or undefined without one. */
function kindOf({ rows, output }: Pick<RowsToRun, 'rows' | 'output'>): number | undefined {
  if (!output || 2 * output.unboundedRows > rows) return undefined;
  return Math.floor(Math.log2(Math.max(1, output.largest)));
}

/** Returns the standard deviation of so many rows from their measurement, relative to it. */
export function spreadOf({ weight, misses }: MeasuredRows, of: 'input' | 'output', rows: number): number {
  const { row, batch } = VARIATION[of];
  const assumed = Math.sqrt(row ** 2 / Math.max(1, rows) + row ** 2 / weight + batch ** 2);
  return assumed * Math.sqrt(Math.max(MIN_MISS, misses[of]));
}

/** Returns the measurements with one more batch. A batch that reports no tokens changes nothing. */
export function withMeasured(all: readonly MeasuredRows[], used: UsedRows, at: number): MeasuredRows[] {
  const { model, rows, usage } = used;
  if (rows === 0 || usage.inputTokens === 0) return [...all];
  const bound = kindOf(used);
  const seen = {
    weight: rows / (1 + rows / FULL_WEIGHT),
    input: usage.inputTokens / contentBytes(used),
    cached: Math.min(1, usage.cachedInputTokens / usage.inputTokens),
    output: usage.outputTokens / rows,
  };
  const before = measuredOf(all, used);
  const next = before
    ? { ...averages(before, seen), misses: missesAfter(before, seen, rows) }
    : { ...seen, misses: { input: 1, output: 1 } };
  const entry = { model, ...(bound === undefined ? {} : { bound }), ...rounded(next), at };
  return [...all.filter((one) => one !== before), entry].slice(-MAX_KINDS);
}

type Averages = Pick<MeasuredRows, 'weight' | 'input' | 'cached' | 'output'>;

function averages(before: Averages, seen: Averages): Averages {
  const weight = before.weight + seen.weight;
  const of = (name: 'input' | 'cached' | 'output') =>
    (before[name] * before.weight + seen[name] * seen.weight) / weight;
  return {
    weight: Math.min(MAX_WEIGHT, weight),
    input: of('input'),
    cached: of('cached'),
    output: of('output'),
  };
}

function missesAfter(before: MeasuredRows, seen: Averages, rows: number): MeasuredRows['misses'] {
  const after = (of: 'input' | 'output') => {
    const known = before.misses[of];
    if (before[of] === 0 || seen[of] === 0) return known;
    const assumed = spreadOf({ ...before, misses: { input: 1, output: 1 } }, of, rows);
    const miss = Math.min(MAX_MISS, (Math.log(seen[of] / before[of]) / assumed) ** 2);
    return known + MISS_SHARE * (miss - known);
  };
  return { input: after('input'), output: after('output') };
}

function rounded<Numbers extends Averages & Pick<MeasuredRows, 'misses'>>({
  misses,
  ...others
}: Numbers): Averages & Pick<MeasuredRows, 'misses'> {
  const short = (number: number) => Number(number.toPrecision(DIGITS));
  const { weight, input, cached, output } = others;
  return {
    ...{ weight: short(weight), input: short(input), cached: short(cached), output: short(output) },
    misses: { input: short(misses.input), output: short(misses.output) },
  };
}

/** A batch that ended, and the rows that were sent as it. */
interface EndedBatch {
  status: string;
  usage?: UsedRows['usage'];
  counts?: { total: number; completed: number };
}

/** Returns what the rows of a batch used; undefined unless it completed and reports tokens. Failed rows do not count: they are not billed. */
export function usedRows(
  { model, rows = 0, uploadBytes, output }: Omit<RowsToRun, 'rows'> & { rows?: number },
  { status, usage, counts = { total: rows, completed: rows } }: EndedBatch,
): UsedRows | undefined {
  const completed = Math.min(counts.completed, counts.total);
  if (status !== 'completed' || !usage || completed === 0) return undefined;
  return {
    ...{ model, rows: completed, ...(output && { output }), usage },
    uploadBytes: (uploadBytes * completed) / counts.total,
  };
}

/** Returns whether a batch is worth a write of its own: its kind was never measured, or not in the last ten minutes. */
export function isNews(
  all: readonly MeasuredRows[],
  rows: Pick<RowsToRun, 'model' | 'rows' | 'output'>,
  now: number,
): boolean {
  const known = measuredOf(all, rows);
  return !known || known.at + NEWS_AFTER_MS <= now;
}
