/**
 * Estimates what rows will use and cost, before a token is spent.
 *
 * Input: the bytes of content, times the measured tokens per byte of such rows (`measured-rows.ts`). Before the first batch
 * of a model, a token has four bytes: OpenAI's rule of thumb for English (`waiting/tokens.ts`). The high value then assumes
 * a token for two bytes of the whole upload. A tokenizer never makes more than one token of a byte, but a high value of one
 * token per byte would be four times too high for nearly every file. Digits and dense code take about two bytes per token.
 *
 * Output: the measured tokens per row. The high value is the sum of the rows' own limits, with or without a measurement,
 * because the API enforces them. Rows without a limit have no high value until a batch of such rows was measured.
 *
 * After a measurement, the other low and high values are 2.5 standard deviations away from the likely value.
 *
 * Known gaps: the tokens of images, audio and files that a row only names, of prompts stored at the vendor, and of tools do
 * not depend on the bytes of the request. They are unknown until a batch of such rows was measured. The price of a long
 * input is used only if the average row is long.
 */

import { BYTES_PER_TOKEN as USUAL_BYTES_PER_TOKEN } from '../waiting/tokens.ts';
import type { Amount } from './amount.ts';
import {
  contentBytes,
  type MeasuredRows,
  measuredOf,
  nearestOf,
  type RowsToRun,
  spreadOf,
} from './measured-rows.ts';
import { MAX_ROW_TOKENS } from './output-bounds.ts';
import type { Prices } from './prices.ts';
import { NO_TOKENS } from './token-counts.ts';

/** An expected value, and a range that contains the true value in at least 95 of 100 cases. */
export interface Range<Value, High = Value> {
  low: Value;
  likely: Value;
  high: High;
}

/** Stands for a missing high value: rows set no limit for their output, and no batch of such rows was measured. */
export const NO_LIMIT = 'no limit';
export type NoLimit = typeof NO_LIMIT;

/** What rows will use and cost. Budgets count `cost.high`. */
export interface Estimate {
  rows: number;
  input: Range<number>;
  output: Range<number, number | NoLimit>;
  /** The list price less the batch discount; null while no price is known for one of the models. */
  cost: Range<Amount, Amount | NoLimit> | null;
  /** The models that have no price. */
  unpriced: string[];
  /** A batch of each kind of these rows was measured. */
  isMeasured: boolean;
}

const SPREADS = 2.5;
/** Before the first batch of a model. */
const BYTES_PER_TOKEN = { low: 10, likely: USUAL_BYTES_PER_TOKEN, high: 2 } as const;
/** The likely output of a row before any measurement: half of its limit, but at most so many tokens. */
const GUESSED_ANSWER = { share: 0.5, tokens: 300 } as const;
/** What is added to the standard deviation if only rows of the same model with other limits were measured. */
const OTHER_KIND = 0.15;

/** Returns the estimate for rows of one model: of a part, or a slice of it. `measured`: of all models. */
export function estimateOf(rows: RowsToRun, measured: readonly MeasuredRows[], prices: Prices): Estimate {
  const known = measuredOf(measured, rows);
  const near = known ?? nearestOf(measured, rows);
  const input = inputOf(rows, known, near);
  const output = outputOf(rows, known, near);
  const cost = costOf(rows, { input, output, cached: known?.cached ?? 0 }, prices);
  const unpriced = cost ? [] : [rows.model];
  return { rows: rows.rows, input, output, cost, unpriced, isMeasured: known !== undefined };
}

/** Returns the sum of estimates, for example of the parts of a job. A value that one of them lacks is missing in the sum, too. */
export function sumOf(estimates: readonly Estimate[]): Estimate {
  const sum: Estimate = {
    rows: 0,
    input: { low: 0, likely: 0, high: 0 },
    output: { low: 0, likely: 0, high: 0 },
    cost: { low: 0n, likely: 0n, high: 0n },
    unpriced: [...new Set(estimates.flatMap(({ unpriced }) => unpriced))].sort(),
    isMeasured: estimates.every(({ isMeasured }) => isMeasured),
  };
  for (const { rows, input, output, cost } of estimates) {
    sum.rows += rows;
    sum.input.low += input.low;
    sum.input.likely += input.likely;
    sum.input.high += input.high;
    sum.output.low += output.low;
    sum.output.likely += output.likely;
    sum.output.high =
      isLimited(sum.output.high) && isLimited(output.high) ? sum.output.high + output.high : NO_LIMIT;
    sum.cost = sum.cost && cost && plus(sum.cost, cost);
  }
  return sum;
}

function plus(one: NonNullable<Estimate['cost']>, other: NonNullable<Estimate['cost']>): Estimate['cost'] {
  return {
    low: one.low + other.low,
    likely: one.likely + other.likely,
    high: isLimited(one.high) && isLimited(other.high) ? one.high + other.high : NO_LIMIT,
  };
}

/** Returns whether there is a high value. */
export function isLimited<Value>(high: Value | NoLimit): high is Value {
  return high !== NO_LIMIT;
}

function inputOf(
  rows: RowsToRun,
  known: MeasuredRows | undefined,
  near: MeasuredRows | undefined,
): Range<number> {
  const content = contentBytes(rows);
  if (!near) {
    const { low, likely, high } = BYTES_PER_TOKEN;
    return whole(rows, { low: content / low, likely: content / likely, high: rows.uploadBytes / high });
  }
  const spread = spreadOf(near, 'input', rows.rows) + (known ? 0 : OTHER_KIND);
  return whole(rows, around(content * near.input, spread));
}

function outputOf(
  rows: RowsToRun,
  known: MeasuredRows | undefined,
  near: MeasuredRows | undefined,
): Range<number, number | NoLimit> {
  const { tokens: limit, unboundedRows } = rows.output ?? { tokens: 0, unboundedRows: rows.rows };
  const isBounded = unboundedRows === 0;
  const within = (tokens: number) => (isBounded ? Math.min(tokens, limit) : tokens);
  const least = within(rows.rows); // an answer has a token
  if (!known) {
    const guess = near ? rows.rows * near.output : guessedOutput(rows.rows, limit, unboundedRows);
    const likely = within(Math.max(least, guess));
    const { high, ...range } = whole(rows, { low: least, likely, high: limit });
    return { ...range, high: isBounded ? high : NO_LIMIT };
  }
  const spread = spreadOf(known, 'output', rows.rows);
  const { low, likely, high } = around(rows.rows * known.output, spread);
  const highOfUnbounded = (high * unboundedRows) / Math.max(1, rows.rows);
  return whole(rows, {
    low: within(low),
    likely: within(likely),
    high: isBounded ? limit : Math.max(likely, limit + highOfUnbounded),
  });
}

function guessedOutput(rows: number, limit: number, unboundedRows: number): number {
  const { share, tokens } = GUESSED_ANSWER;
  return Math.min(share * limit, tokens * (rows - unboundedRows)) + tokens * unboundedRows;
}

function around(likely: number, spread: number): Range<number> {
  const factor = Math.exp(SPREADS * spread);
  return { low: likely / factor, likely, high: likely * factor };
}

/** Whatever a vendor reported, no number is too large to be priced. */
function whole({ rows }: RowsToRun, { low, likely, high }: Range<number>): Range<number> {
  const most = rows * MAX_ROW_TOKENS;
  const expected = Math.min(most, Math.round(likely));
  return {
    low: Math.min(expected, Math.floor(low)),
    likely: expected,
    high: Math.min(most, Math.max(expected, Math.ceil(high))),
  };
}

/** What is expected of rows before they are priced. */
interface ExpectedTokens extends Pick<Estimate, 'input' | 'output'> {
  /** The share of the input that comes from the vendor's cache. */
  cached: number;
}

/** The use of the vendor's cache: a share of the input is read from it, or all input is written to it. */
type CacheUse = { reads: number } | 'writes';

const NO_CACHE: CacheUse = { reads: 0 };

/** The low value assumes the cheapest use of the cache, and the high value the dearest: the price table decides which that is. */
function costOf({ model, rows }: RowsToRun, expected: ExpectedTokens, prices: Prices): Estimate['cost'] {
  const priced = prices.of(model);
  if (!priced) return null;
  const { input, output, cached } = expected;
  const cost = (tokens: number, answers: number, cache: CacheUse): Amount => {
    const reads = cache === 'writes' ? 0 : Math.floor(tokens * Math.min(1, cache.reads));
    const counts = {
      ...{ ...NO_TOKENS, input: tokens, output: answers },
      ...{ cachedInput: reads, cacheWrites: cache === 'writes' ? tokens : 0 },
    };
    const isLong = priced.long !== undefined && tokens > priced.long.above * rows;
    const all = isLong
      ? { model, rows: 0, ...NO_TOKENS, long: { rows, ...counts } }
      : { model, rows, ...counts };
    return prices.costOf(all)?.paid ?? 0n;
  };
  const likely = cost(input.likely, output.likely, { reads: cached });
  const lowest = [NO_CACHE, { reads: 2 * cached }].map((cache) => cost(input.low, output.low, cache));
  const isFree = cost(0, 1_000_000, NO_CACHE) === 0n;
  const most = isFree ? 0 : output.high;
  const highest = isLimited(most)
    ? [NO_CACHE, { reads: 1 }, 'writes' as const].map((cache) => cost(input.high, most, cache))
    : [];
  return {
    low: inOrder([likely, ...lowest])[0] ?? likely,
    likely,
    high: isLimited(most) ? (inOrder([likely, ...highest]).at(-1) ?? likely) : NO_LIMIT,
  };
}

function inOrder(amounts: readonly Amount[]): Amount[] {
  return amounts.toSorted((a, b) => (a < b ? -1 : 1));
}
