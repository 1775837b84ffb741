import { describe, expect, it } from 'vitest';
import { decimalOf } from '../../../functions/shared/domain/money/amount.ts';
import {
  type Estimate,
  estimateOf,
  isLimited,
  NO_LIMIT,
  sumOf,
} from '../../../functions/shared/domain/money/estimate.ts';
import {
  isNews,
  type MeasuredRows,
  type RowsToRun,
  usedRows,
  withMeasured,
} from '../../../functions/shared/domain/money/measured-rows.ts';
import { boundsOfSome, type OutputBounds } from '../../../functions/shared/domain/money/output-bounds.ts';
import { Prices, type PriceTable } from '../../../functions/shared/domain/money/prices.ts';

const TABLE: PriceTable = {
  currency: 'USD',
  date: '2026-11-29',
  source: 'this test',
  models: [
    { ids: ['chat'], prices: [{ input: '1', cachedInput: '0.1', cacheWrites: '2', output: '10' }] },
    { ids: ['embed'], prices: [{ input: '0.02' }] },
    { ids: ['long'], prices: [{ input: '1', output: '2', long: { above: 1_000, input: '3', output: '5' } }] },
  ],
};
const PRICES = new Prices([TABLE], Date.UTC(2026, 10, 29), 0.5);

const limited = (rows: number, limit: number): OutputBounds => ({
  tokens: rows * limit,
  largest: limit,
  unboundedRows: 0,
});
const unlimited = (rows: number): OutputBounds => ({ tokens: 0, largest: 0, unboundedRows: rows });

/** A thousand rows of 520 bytes each, of which 400 are content. */
function thousand(differences: Partial<RowsToRun> = {}): RowsToRun {
  return { model: 'chat', rows: 1_000, uploadBytes: 520_000, output: limited(1_000, 100), ...differences };
}

/** Measured once: a token for five bytes of content, and these output tokens per row. */
function measured(output: number, of: RowsToRun = thousand(), cachedInputTokens = 0): MeasuredRows[] {
  const usage = { inputTokens: 80_000, cachedInputTokens, outputTokens: output * of.rows };
  return withMeasured([], { ...of, usage }, 0);
}

function moneyOf({ cost }: Estimate): { low: string; likely: string; high: string } | null {
  if (!cost) return null;
  const { low, likely, high } = cost;
  return {
    low: decimalOf(low),
    likely: decimalOf(likely),
    high: isLimited(high) ? decimalOf(high) : high,
  };
}

describe('an estimate before the first batch of a model', () => {
  it('takes a token for four bytes of content, and at most one for two bytes of the upload', () => {
    expect(estimateOf(thousand(), [], PRICES).input).toEqual({ low: 40_000, likely: 100_000, high: 260_000 });
  });

  it('has the limits of the rows as the high value of the output', () => {
    const { output, isMeasured } = estimateOf(thousand(), [], PRICES);
    expect(output).toEqual({ low: 1_000, likely: 50_000, high: 100_000 });
    expect(isMeasured).toBe(false);
  });

  it('has no high value if a single row sets no limit', () => {
    const estimate = estimateOf(
      thousand({ output: { tokens: 99_900, largest: 100, unboundedRows: 1 } }),
      [],
      PRICES,
    );
    expect(estimate.output.high).toBe(NO_LIMIT);
    expect(estimate.cost?.high).toBe(NO_LIMIT);
  });

  it('has none for rows of which a version before kept no limits', () => {
    const { output: _, ...before } = thousand();
    expect(estimateOf(before, [], PRICES).output.high).toBe(NO_LIMIT);
  });

  it('costs the list price less the discount; the cache may make the input dearer', () => {
    expect(moneyOf(estimateOf(thousand(), [], PRICES))).toEqual({
      low: '0.025', // (40,000 × 1 + 1,000 × 10) ÷ 2 millionths
      likely: '0.30',
      high: '0.76', // (260,000 × 2 + 100,000 × 10) ÷ 2 millionths
    });
  });

  it('has no output, and a high value, for embeddings', () => {
    const rows = thousand({ model: 'embed', output: limited(1_000, 0) });
    expect(estimateOf(rows, [], PRICES)).toMatchObject({ output: { low: 0, likely: 0, high: 0 } });
    expect(moneyOf(estimateOf(rows, [], PRICES))?.high).toBe('0.0026');
  });

  it('has a high cost without a limit where output costs nothing', () => {
    const rows = thousand({ model: 'embed', output: unlimited(1_000) });
    expect(moneyOf(estimateOf(rows, [], PRICES))?.high).toBe('0.0026');
  });

  it('of a model without a price has its tokens, and no cost', () => {
    const estimate = estimateOf(thousand({ model: 'own-model' }), [], PRICES);
    expect(estimate).toMatchObject({ cost: null, unpriced: ['own-model'], input: { likely: 100_000 } });
  });

  it('takes the price of a long input if the average row is long', () => {
    const rows = { model: 'long', rows: 1, uploadBytes: 6_120, output: limited(1, 100) };
    // Likely 1,500 tokens at 3 and 50 at 5; low 600 at 1.
    expect(moneyOf(estimateOf(rows, [], PRICES))).toMatchObject({ likely: '0.002375', low: '0.000301' });
  });
});

describe('an estimate after a batch of such rows', () => {
  it('expects what the rows used', () => {
    const estimate = estimateOf(
      thousand({ rows: 500, uploadBytes: 260_000, output: limited(500, 100) }),
      measured(20),
      PRICES,
    );
    expect(estimate).toMatchObject({
      isMeasured: true,
      input: { likely: 40_000 },
      output: { likely: 10_000, high: 50_000 },
    });
    expect(estimate.input.high).toBeLessThan(50_000);
    expect(estimate.input.low).toBeGreaterThan(30_000);
    expect(estimate.output.low).toBeGreaterThan(5_000);
  });

  it('never expects more than the limits', () => {
    const shorter = thousand({ output: limited(1_000, 70) });
    expect(estimateOf(shorter, measured(90), PRICES).output).toMatchObject({ likely: 70_000, high: 70_000 });
  });

  it('has a high value for rows without a limit', () => {
    const rows = thousand({ output: unlimited(1_000) });
    const { output, cost } = estimateOf(rows, measured(300, rows), PRICES);
    expect(output.likely).toBe(300_000);
    expect(isLimited(output.high) && output.high).toBeGreaterThan(400_000);
    expect(isLimited(output.high) && output.high).toBeLessThan(500_000);
    expect(cost && isLimited(cost.high)).toBe(true);
  });

  it('tells rows with other limits apart, and still has their tokens per byte', () => {
    const estimate = estimateOf(thousand({ output: limited(1_000, 8_000) }), measured(20), PRICES);
    expect(estimate).toMatchObject({
      isMeasured: false,
      input: { likely: 80_000 },
      output: { likely: 20_000, high: 8_000_000 },
    });
    const open = estimateOf(thousand({ output: unlimited(1_000) }), measured(20), PRICES);
    expect(open.output.high).toBe(NO_LIMIT);
  });

  it('is less sure of rows with other limits than of rows like those that were measured', () => {
    const width = (limit: number) => {
      const { input } = estimateOf(thousand({ output: limited(1_000, limit) }), measured(20), PRICES);
      expect(input.likely).toBe(80_000);
      return input.high / input.low;
    };
    expect(width(8_000)).toBeGreaterThan(2 * width(100));
  });

  it('counts on the share of the input that came from the cache, but not for the high value', () => {
    const cached = estimateOf(thousand(), measured(20, thousand(), 40_000), PRICES);
    const fresh = estimateOf(thousand(), measured(20), PRICES);
    expect(moneyOf(cached)?.likely).toBe('0.122'); // (40,000 × 1 + 40,000 × 0.1 + 20,000 × 10) ÷ 2 millionths
    expect(moneyOf(cached)?.high).toBe(moneyOf(fresh)?.high);
  });

  it('is wider for few rows, and after batches that were not as expected', () => {
    const width = (rows: number, known: MeasuredRows[]) => {
      const some = { ...thousand(), rows, uploadBytes: 520 * rows, output: unlimited(rows) };
      const { output } = estimateOf(some, known, PRICES);
      return isLimited(output.high) ? output.high / output.low : Number.NaN;
    };
    const open = thousand({ output: unlimited(1_000) });
    const known = measured(100, open);
    const usage = { inputTokens: 80_000, cachedInputTokens: 0, outputTokens: 400_000 };
    const surprised = withMeasured(known, { ...open, usage }, 1);
    expect(width(10, known)).toBeGreaterThan(2 * width(1_000, known));
    expect(width(1_000, surprised)).toBeGreaterThan(1.5 * width(1_000, known));
  });
});

describe('what is measured', () => {
  it('is worth more of a large batch than of a small one, but not without end', () => {
    const of = (rows: number) => thousand({ rows, uploadBytes: 520 * rows, output: limited(rows, 100) });
    const measuredAfter = (rows: number, output: number, known: MeasuredRows[] = []) =>
      withMeasured(
        known,
        {
          ...of(rows),
          usage: { inputTokens: 80 * rows, cachedInputTokens: 0, outputTokens: output * rows },
        },
        0,
      );
    const output = (known: MeasuredRows[]) => known.at(-1)?.output;
    expect(output(measuredAfter(3, 90, measuredAfter(1_000, 10)))).toBeLessThan(15);
    expect(output(measuredAfter(1_000, 90, measuredAfter(3, 10)))).toBeGreaterThan(80);
    const late = Array.from({ length: 12 }).reduce<MeasuredRows[]>(
      (known) => measuredAfter(1_000, 50, known),
      measuredAfter(50_000, 10),
    );
    expect(output(late)).toBeGreaterThan(45);
  });

  it('is kept of the 50 newest kinds of rows', () => {
    let known: MeasuredRows[] = [];
    for (let nth = 0; nth < 60; nth += 1)
      known = [...withMeasured(known, { ...thousand({ model: `m${nth}` }), usage: USAGE }, nth)];
    known = withMeasured(known, { ...thousand({ model: 'm20' }), usage: USAGE }, 60);
    expect(known).toHaveLength(50);
    expect(known.at(-1)).toMatchObject({ model: 'm20', at: 60 });
    expect(known[0]).toMatchObject({ model: 'm10' });
  });

  it('is nothing of a batch that reports no tokens, did not complete, or of which no row succeeded', () => {
    const nothing = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 };
    expect(withMeasured([], { ...thousand(), usage: nothing }, 0)).toEqual([]);
    const counts = { total: 1_000, completed: 1_000 };
    expect(usedRows(thousand(), { status: 'completed', counts })).toBeUndefined();
    expect(usedRows(thousand(), { status: 'expired', usage: USAGE, counts })).toBeUndefined();
    const none = { total: 1_000, completed: 0 };
    expect(usedRows(thousand(), { status: 'completed', usage: USAGE, counts: none })).toBeUndefined();
  });

  it('does not count failed rows, which are not billed', () => {
    const counts = { total: 1_000, completed: 250 };
    const used = usedRows(thousand(), { status: 'completed', usage: USAGE, counts });
    expect(used).toMatchObject({ rows: 250, uploadBytes: 130_000 });
  });

  it('is news for a new kind of rows, and after ten minutes', () => {
    const known = measured(20);
    expect(isNews(known, thousand(), 599_999)).toBe(false);
    expect(isNews(known, thousand(), 600_000)).toBe(true);
    expect(isNews(known, thousand({ output: unlimited(1_000) }), 0)).toBe(true);
  });
});

const USAGE = { inputTokens: 80_000, cachedInputTokens: 0, outputTokens: 20_000 };

describe('a sum of estimates', () => {
  it('lacks what one of them lacks', () => {
    const priced = estimateOf(thousand(), [], PRICES);
    const open = estimateOf(thousand({ output: unlimited(1_000) }), [], PRICES);
    const unpriced = estimateOf(thousand({ model: 'own-model' }), [], PRICES);
    expect(sumOf([priced, open])).toMatchObject({ rows: 2_000, output: { high: NO_LIMIT } });
    expect(sumOf([priced, open]).cost).toMatchObject({ high: NO_LIMIT });
    expect(sumOf([open, priced]).cost).toMatchObject({ high: NO_LIMIT });
    expect(sumOf([priced, unpriced, unpriced])).toMatchObject({ cost: null, unpriced: ['own-model'] });
    expect(sumOf([unpriced, priced])).toMatchObject({ cost: null });
  });

  it('is measured if all of them are', () => {
    const known = estimateOf(thousand(), measured(20), PRICES);
    const unknown = estimateOf(thousand(), [], PRICES);
    expect(sumOf([known, known]).isMeasured).toBe(true);
    expect(sumOf([known, unknown]).isMeasured).toBe(false);
  });
});

describe('the limits of some of the rows', () => {
  it('are never below those of any of them', () => {
    const all = { tokens: 1_000, largest: 400, unboundedRows: 3 };
    expect(boundsOfSome(all, 2)).toEqual({ tokens: 800, largest: 400, unboundedRows: 2 });
    expect(boundsOfSome(all, 100)).toEqual(all);
  });
});
