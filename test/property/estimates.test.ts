import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Estimate, estimateOf, isLimited, sumOf } from '../../functions/shared/domain/money/estimate.ts';
import {
  type MeasuredRows,
  type RowsToRun,
  type UsedRows,
  withMeasured,
} from '../../functions/shared/domain/money/measured-rows.ts';
import {
  addBound,
  boundsOfSome,
  noRows,
  UNBOUNDED,
} from '../../functions/shared/domain/money/output-bounds.ts';
import { Prices, type PriceTable } from '../../functions/shared/domain/money/prices.ts';
import { NO_TOKENS } from '../../functions/shared/domain/money/token-counts.ts';

const DAY = Date.UTC(2026, 10, 29);
const MODELS = ['a', 'b', 'without a price'];

const price = fc.integer({ min: 0, max: 200_000_000 }).map((millionths) => (millionths / 1e6).toFixed(6));
const tables = fc
  .array(
    fc.record(
      { input: price, cachedInput: price, cacheWrites: price, output: price },
      { requiredKeys: ['input'] },
    ),
    { minLength: 2, maxLength: 2 },
  )
  .map(
    (of): PriceTable => ({
      ...{ currency: 'USD', date: '2026-11-29', source: 'random' },
      models: of.map((prices, nth) => ({ ids: [MODELS[nth] ?? ''], prices: [prices] })),
    }),
  );
const discounts = fc.integer({ min: 0, max: 1_000 }).map((perMille) => perMille / 1_000);

const limits = fc.array(fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.constant(UNBOUNDED)), {
  minLength: 1,
  maxLength: 40,
});
const limitsOfAll = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 40 });

function rowsOf(model: string, bounds: readonly number[], bytesPerRow: number): RowsToRun {
  const output = noRows();
  for (const bound of bounds) addBound(output, bound);
  return { model, rows: bounds.length, uploadBytes: bytesPerRow * bounds.length, output };
}

const someRows = (bounds = limits) =>
  fc
    .tuple(fc.constantFrom(...MODELS), bounds, fc.integer({ min: 80, max: 100_000 }))
    .map(([model, of, bytes]) => rowsOf(model, of, bytes));
const used = fc
  .tuple(
    someRows(),
    fc.record({
      inputTokens: fc.nat(10_000_000),
      cachedInputTokens: fc.nat(12_000_000),
      outputTokens: fc.nat(10_000_000),
    }),
  )
  .map(([rows, usage]): UsedRows => ({ ...rows, usage }));
const histories = fc
  .array(used, { maxLength: 12 })
  .map((batches) => batches.reduce<MeasuredRows[]>((known, one, at) => withMeasured(known, one, at), []));

it('low is never above likely, nor likely above high, in tokens and in money', () => {
  let limited = 0;
  fc.assert(
    fc.property(someRows(), histories, tables, discounts, (rows, measured, table, discount) => {
      const estimate = estimateOf(rows, measured, new Prices([table], DAY, discount));
      for (const range of [estimate.input, estimate.output, estimate.cost]) {
        if (!range) continue;
        expect(range.low).toBeLessThanOrEqual(range.likely);
        if (isLimited<number | bigint>(range.high)) expect(range.high).toBeGreaterThanOrEqual(range.likely);
        expect(range.low).toBeGreaterThanOrEqual(0);
      }
      for (const tokens of [estimate.input.likely, estimate.output.likely])
        expect(Number.isSafeInteger(tokens)).toBe(true);
      if (isLimited(estimate.output.high)) limited += 1;
    }),
  );
  expect(limited).toBeGreaterThan(10);
});

it('a sum of estimates is exact, in any order', () => {
  fc.assert(
    fc.property(
      fc.array(someRows(), { maxLength: 8 }),
      histories,
      tables,
      fc.nat(),
      (parts, measured, table, turn) => {
        const prices = new Prices([table], DAY, 0.5);
        const all = parts.map((part) => estimateOf(part, measured, prices));
        const cut = turn % (all.length + 1);
        const sum = sumOf(all);
        expect(sumOf([...all.slice(cut), ...all.slice(0, cut)])).toEqual(sum);
        expect(sumOf([sumOf(all.slice(0, cut)), sumOf(all.slice(cut))])).toEqual(sum);
        expect(sum.cost === null).toBe(all.some(({ cost }) => cost === null));
        expect(sum.unpriced.length > 0).toBe(sum.cost === null);
        const likely = all.reduce((money, { cost }) => money + (cost?.likely ?? 0n), 0n);
        if (sum.cost) expect(sum.cost.likely).toBe(likely);
        expect(isLimited(sum.output.high)).toBe(all.every(({ output }) => isLimited(output.high)));
      },
    ),
  );
});

/** Any answers within the limits, any input up to `mostInput`, and any use of the cache. */
function costWithin(
  { model, rows, output }: RowsToRun,
  bounds: readonly number[],
  mostInput: number,
  shares: { input: number; cached: number; writes: number; output: number },
  prices: Prices,
) {
  const input = Math.floor(mostInput * shares.input);
  const cachedInput = Math.floor(input * shares.cached);
  const cacheWrites = Math.floor((input - cachedInput) * shares.writes);
  const answers = bounds.reduce((sum, bound) => sum + Math.floor(bound * shares.output), 0);
  expect(answers).toBeLessThanOrEqual(output?.tokens ?? 0);
  return prices.costOf({ model, rows, ...NO_TOKENS, input, cachedInput, cacheWrites, output: answers })?.paid;
}

const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(1));
const allShares = fc.record({ input: share, cached: share, writes: share, output: share });

it('the high cost is never below the cost of answers within their limits and of a token for two bytes, measured or not', () => {
  fc.assert(
    fc.property(
      fc.tuple(fc.constantFrom('a', 'b'), limitsOfAll, fc.integer({ min: 80, max: 100_000 })),
      histories,
      tables,
      allShares,
      ([model, bounds, bytes], measured, table, shares) => {
        const prices = new Prices([table], DAY, 0.5);
        const rows = rowsOf(model, bounds, bytes);
        for (const known of [[], measured]) {
          const estimate: Estimate = estimateOf(rows, known, prices);
          const isUnknown = !known.some((one) => one.model === model);
          // Once something is known of the model, the input is within what was measured of it, not within half of the bytes.
          const mostInput = isUnknown ? rows.uploadBytes / 2 : estimate.input.high;
          const cost = costWithin(rows, bounds, mostInput, shares, prices) ?? -1n;
          const { high } = estimate.cost ?? expect.fail('no cost');
          if (!isLimited(high)) expect.fail('no limit');
          expect(high >= cost, `${high} < ${cost}`).toBe(true);
        }
      },
    ),
  );
});

it('the limits of a slice are never below those of any of its rows', () => {
  fc.assert(
    fc.property(limits, fc.nat(), fc.nat(), (bounds, from, length) => {
      const all = rowsOf('a', bounds, 100);
      const slice = bounds.slice(from % bounds.length).slice(0, 1 + (length % bounds.length));
      const ofSlice = rowsOf('a', slice, 100).output ?? noRows();
      const some = boundsOfSome(all.output ?? noRows(), slice.length);
      expect(some.tokens).toBeGreaterThanOrEqual(ofSlice.tokens);
      expect(some.largest).toBeGreaterThanOrEqual(ofSlice.largest);
      expect(some.unboundedRows).toBeGreaterThanOrEqual(ofSlice.unboundedRows);
    }),
  );
});

it('after one batch, the likely cost of the same rows again is within a hundredth of the true one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 50, max: 40 * 1_000 }),
      fc.double({ min: 0.05, max: 0.9, noNaN: true }),
      fc.double({ min: 1, max: 4_000, noNaN: true }),
      fc.integer({ min: 150, max: 10_000 }),
      (rows, perByte, perRow, bytes) => {
        const alike: RowsToRun = {
          ...{ model: 'a', rows, uploadBytes: rows * bytes },
          output: { tokens: rows * 8_000, largest: 8_000, unboundedRows: 0 },
        };
        const usage = {
          inputTokens: Math.ceil(perByte * rows * bytes),
          cachedInputTokens: 0,
          outputTokens: Math.ceil(perRow * rows),
        };
        const table: PriceTable = {
          ...{ currency: 'USD', date: '2026-11-29', source: 'this test' },
          models: [{ ids: ['a'], prices: [{ input: '1', output: '4' }] }],
        };
        const prices = new Prices([table], DAY, 0.5);
        const { cost } = estimateOf(alike, withMeasured([], { ...alike, usage }, 0), prices);
        const tokens = { ...NO_TOKENS, input: usage.inputTokens, output: usage.outputTokens };
        const paid = Number(prices.costOf({ model: 'a', rows, ...tokens })?.paid);
        expect(Math.abs(Number(cost?.likely) / paid - 1)).toBeLessThan(0.01);
      },
    ),
  );
});
