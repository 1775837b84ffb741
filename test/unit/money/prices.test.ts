import { describe, expect, it } from 'vitest';
import { amountOf, decimalOf } from '../../../functions/shared/domain/money/amount.ts';
import table from '../../../functions/shared/domain/money/price-table.json' with { type: 'json' };
import { Prices, type PriceTable } from '../../../functions/shared/domain/money/prices.ts';
import { type TokenCounts, TokenSums } from '../../../functions/shared/domain/money/token-counts.ts';

const DAY = Date.UTC(2026, 10, 29);

const TABLE: PriceTable = {
  currency: 'USD',
  date: '2026-11-29',
  source: 'this test',
  models: [
    { ids: ['embed'], prices: [{ input: '0.02' }] },
    {
      ids: ['chat'],
      prefixes: ['chat-2026-'],
      prices: [{ input: '2.5', cachedInput: '1.25', output: '10' }],
    },
    { ids: ['chat-2026-mini'], prefixes: ['chat-2026-mini-'], prices: [{ input: '0.1', output: '0.4' }] },
    {
      ids: ['thinker'],
      prices: [
        { input: '10', output: '40' },
        { from: '2026-11-29', input: '2', cacheWrites: '2.5', output: '8' },
      ],
    },
    {
      ids: ['long'],
      prices: [{ input: '1', output: '2', long: { above: 1000, input: '3', output: '5' } }],
    },
  ],
};

const tokens = (counts: Partial<TokenCounts>): TokenCounts => ({
  input: 0,
  cachedInput: 0,
  cacheWrites: 0,
  output: 0,
  reasoning: 0,
  media: 0,
  ...counts,
});

function costOf(model: string, counts: Partial<TokenCounts>, { at = DAY, discount = 0.5 } = {}) {
  const cost = new Prices([TABLE], at, discount).costOf({ model, rows: 1, ...tokens(counts) });
  return cost && { list: decimalOf(cost.list), paid: decimalOf(cost.paid) };
}

describe('an amount', () => {
  it.each(['0.15', '12.00', '0.000000000001', '999999999999999.999999999999'])('is exactly %s', (decimal) => {
    expect(decimalOf(amountOf(decimal) ?? -1n)).toBe(decimal);
  });

  it.each(['', '-1', '1e3', '1,5', '.5', '5.', '0.0000000000001', 'NaN', '1 '])('is not "%s"', (text) => {
    expect(amountOf(text)).toBeUndefined();
  });

  it('may be below zero, as a difference', () => {
    expect(decimalOf(-1_500_000_000_000n)).toBe('-1.50');
  });
});

describe('the cost of tokens', () => {
  it('is exact where a token costs less than a millionth of a cent', () => {
    expect(costOf('embed', { input: 1 })).toEqual({ list: '0.00000002', paid: '0.00000001' });
  });

  it('counts cached input and cache writes once, and reasoning as output', () => {
    const counts = { input: 1_000_000, cachedInput: 400_000, output: 100_000, reasoning: 90_000 };
    expect(costOf('chat', counts)).toEqual({ list: '3.00', paid: '1.50' });
    expect(costOf('thinker', { input: 1_000_000, cacheWrites: 600_000 })).toEqual({
      list: '2.30',
      paid: '1.15',
    });
  });

  it('follows the day', () => {
    expect(costOf('thinker', { output: 1_000_000 }, { at: DAY - 1 })).toMatchObject({ list: '40.00' });
    expect(costOf('thinker', { output: 1_000_000 })).toMatchObject({ list: '8.00' });
  });

  it('follows the discount', () => {
    expect(costOf('embed', { input: 1_000_000 }, { discount: 0.25 })).toMatchObject({ paid: '0.015' });
    expect(costOf('embed', { input: 1_000_000 }, { discount: 0 })).toMatchObject({ paid: '0.02' });
  });

  it('is unknown for a model that the table does not have', () => {
    expect(costOf('chatty', { input: 1 })).toBeUndefined();
    expect(costOf('', { input: 1 })).toBeUndefined();
  });

  it('finds a model by its whole name, then by the longest beginning', () => {
    expect(costOf('chat-2026-10-01', { input: 1_000_000 })).toMatchObject({ list: '2.50' });
    expect(costOf('chat-2026-mini', { input: 1_000_000 })).toMatchObject({ list: '0.10' });
    expect(costOf('chat-2026-mini-1', { input: 1_000_000 })).toMatchObject({ list: '0.10' });
  });

  it('prices a row with a long input apart', () => {
    const sums = new TokenSums();
    const prices = new Prices([TABLE], DAY, 0);
    for (const input of [1_000, 1_001]) {
      sums.addRow('long', tokens({ input, output: 10 }), prices.of('long')?.long?.above);
    }
    const twice = new TokenSums();
    twice.add(sums.sums);
    twice.add(sums.sums);
    const [sum] = twice.sums;
    expect(sum).toMatchObject({ rows: 2, input: 2_000, long: { rows: 2, input: 2_002, output: 20 } });
    const paid = sum && prices.costOf(sum)?.paid;
    expect(paid && decimalOf(paid)).toBe(
      decimalOf((2_000n * 1n + 20n * 2n + 2_002n * 3n + 20n * 5n) * 1_000_000n),
    );
  });

  it('is unknown if some of the tokens are audio or images, in rows of any length', () => {
    const prices = new Prices([TABLE], DAY, 0);
    const sumOf = (...rows: TokenCounts[]) => {
      const sums = new TokenSums();
      for (const row of rows) sums.addRow('long', row, 1_000);
      return sums.sums;
    };
    const short = tokens({ input: 10, cachedInput: 1, cacheWrites: 2, output: 3, reasoning: 4, media: 5 });
    const long = { ...short, input: 2_000 };
    const sum = { input: 20, cachedInput: 2, cacheWrites: 4, output: 6, reasoning: 8, media: 10 };
    expect(sumOf(short, short, long)).toEqual([
      { model: 'long', rows: 2, ...sum, long: { rows: 1, ...long } },
    ]);
    const together = new TokenSums();
    for (const row of [short, long, short]) together.add(sumOf(row));
    expect(together.sums).toEqual(sumOf(short, short, long));
    const costs = (...rows: TokenCounts[]) => sumOf(...rows).map((one) => prices.costOf(one) !== undefined);
    expect([costs(short), costs(long)]).toEqual([[false], [false]]);
    expect(costs({ ...short, media: 0 }, { ...long, media: 0 })).toEqual([true]);
  });

  it('uses the first table that knows the model', () => {
    const own: PriceTable = { ...TABLE, models: [{ ids: ['chat'], prices: [{ input: '1', output: '1' }] }] };
    const prices = new Prices([own, TABLE], DAY, 0.5);
    expect(prices.of('chat')?.input).toBe('1');
    expect(prices.of('embed')?.input).toBe('0.02');
  });
});

describe('the table of list prices', () => {
  it('has only prices that are amounts, oldest first', () => {
    expect(table.models.length).toBeGreaterThan(200);
    for (const { prices } of (table as PriceTable).models) {
      const days = prices.map(({ from = '' }) => from);
      expect(days).toEqual([...days].sort());
      for (const { from: _, long, ...price } of prices) {
        const { above: __, ...longPrices } = long ?? { above: 0 };
        for (const decimal of [...Object.values(price), ...Object.values(longPrices)])
          expect(amountOf(String(decimal))).toBeDefined();
      }
    }
  });

  it.each([
    ['gpt-4o-mini-2024-07-18', '0.15'],
    ['text-embedding-3-small', '0.02'],
  ])('knows %s', (model, input) => {
    expect(new Prices([table], DAY, 0.5).of(model)?.input).toBe(input);
  });
});
