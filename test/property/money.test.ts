import fc from 'fast-check';
import { expect, it } from 'vitest';
import { amountOf, decimalOf } from '../../functions/shared/domain/money/amount.ts';
import { Prices, type PriceTable } from '../../functions/shared/domain/money/prices.ts';
import { type TokenCounts, TokenSums } from '../../functions/shared/domain/money/token-counts.ts';

const DAY = Date.UTC(2026, 10, 29);
const MODELS = ['a', 'b', 'c'];

const price = fc.integer({ min: 0, max: 200_000_000 }).map((millionths) => {
  const digits = String(millionths).padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
});
const prices = fc.record({ input: price, cachedInput: price, cacheWrites: price, output: price });
const count = fc.integer({ min: 0, max: 300_000 });
const row: fc.Arbitrary<TokenCounts> = fc
  .record({ fresh: count, cachedInput: count, cacheWrites: count, output: count, reasoning: count })
  .map(({ fresh, ...counts }) => ({
    ...counts,
    media: 0,
    input: fresh + counts.cachedInput + counts.cacheWrites,
  }));
const rows = fc.array(fc.record({ model: fc.constantFrom(...MODELS), tokens: row }), { maxLength: 50 });
const tables = fc
  .record({ of: fc.array(prices, { minLength: 3, maxLength: 3 }), long: prices, above: count })
  .map(
    ({ of, long, above }): PriceTable => ({
      currency: 'USD',
      date: '2026-11-29',
      source: 'random',
      models: of.map((each, nth) => ({
        ids: [MODELS[nth] ?? ''],
        prices: [nth === 0 ? { ...each, long: { above, ...long } } : each],
      })),
    }),
  );

const amounts = fc.bigInt({ min: 0n, max: 10n ** 24n });

it('each amount is its decimal, and the other way round', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      expect(amountOf(decimalOf(amount))).toBe(amount);
    }),
  );
});

it('the cost of rows is to the last digit the sum of the costs of their tokens, however they are summed', () => {
  fc.assert(
    fc.property(tables, rows, fc.nat(50), (table, all, cut) => {
      const list = new Prices([table], DAY, 0);
      const sumsOf = (some: typeof all) => {
        const sums = new TokenSums();
        for (const { model, tokens } of some) sums.addRow(model, tokens, list.of(model)?.long?.above);
        return sums.sums;
      };
      const parts = new TokenSums();
      parts.add(sumsOf(all.slice(cut)));
      parts.add(sumsOf(all.slice(0, cut)));
      expect(parts.sums).toEqual(sumsOf(all));
      const cost = parts.sums.reduce((sum, each) => sum + (list.costOf(each)?.list ?? 0n), 0n);
      expect(cost).toBe(all.reduce((sum, each) => sum + byToken(table, each), 0n));
    }),
  );
});

it('a batch costs its share of the list price, to half a unit', () => {
  fc.assert(
    fc.property(tables, rows, fc.integer({ min: 0, max: 1_000 }), (table, all, perMille) => {
      const list = new Prices([table], DAY, perMille / 1_000);
      const sums = new TokenSums();
      for (const { model, tokens } of all) sums.addRow(model, tokens, undefined);
      for (const each of sums.sums) {
        const cost = list.costOf(each);
        const exact = (cost?.list ?? 0n) * BigInt(1_000 - perMille);
        const twice = 2n * ((cost?.paid ?? 0n) * 1_000n - exact);
        expect(twice).toBeGreaterThan(-1_000n);
        expect(twice).toBeLessThanOrEqual(1_000n);
      }
    }),
  );
});

/** One row, priced without what is under test: a price of a millionth is one unit a token. */
function byToken(table: PriceTable, { model, tokens }: { model: string; tokens: TokenCounts }): bigint {
  const [dated] = table.models[MODELS.indexOf(model)]?.prices ?? [];
  if (!dated) return 0n;
  const priced = dated.long && tokens.input > dated.long.above ? dated.long : dated;
  const units = (decimal = '0') => BigInt(decimal.replace('.', ''));
  const { input, cachedInput, cacheWrites, output } = tokens;
  return (
    BigInt(input - cachedInput - cacheWrites) * units(priced.input) +
    BigInt(cachedInput) * units(priced.cachedInput) +
    BigInt(cacheWrites) * units(priced.cacheWrites) +
    BigInt(output) * units(priced.output)
  );
}
