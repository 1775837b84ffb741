import { describe, expect, it } from 'vitest';
import { parsePriceSettings } from '../../../functions/shared/contract/price-settings.ts';
import { decimalOf } from '../../../functions/shared/domain/money/amount.ts';
import { PriceList } from '../../../functions/shared/domain/money/price-list.ts';
import { NO_TOKENS } from '../../../functions/shared/domain/money/token-counts.ts';

const TODAY = Date.UTC(2026, 10, 29);

const problemsOf = (settings: unknown): string[] => {
  const parsed = parsePriceSettings(JSON.stringify(settings));
  return 'problems' in parsed ? parsed.problems : [];
};

/** What a million tokens in and out cost as a batch. */
function paid(list: PriceList, model: string): string | undefined {
  const cost = list.at(TODAY).costOf({ ...NO_TOKENS, model, rows: 1, input: 1_000_000, output: 1_000_000 });
  return cost && decimalOf(cost.paid);
}

describe('prices of your own', () => {
  it('win over those that Batchdrop comes with', () => {
    expect(paid(new PriceList(), 'gpt-4o-mini')).toBe('0.375');
    const own = new PriceList({ models: { 'gpt-4o-mini': { input: 1, output: 2 } } });
    expect(paid(own, 'gpt-4o-mini')).toBe('1.50');
    expect(paid(own, 'gpt-4o')).toBe(paid(new PriceList(), 'gpt-4o'));
  });

  it('are for all names that begin alike', () => {
    const own = new PriceList({ models: { 'ft:gpt-4o-mini*': { input: 0.3, output: 1.2 } } });
    expect(paid(own, 'ft:gpt-4o-mini:acme::abc')).toBe('0.75');
    expect(paid(own, 'ft:other')).toBeUndefined();
  });

  it('have a discount of their own', () => {
    expect(paid(new PriceList({ batchDiscount: 0.2 }), 'gpt-4o-mini')).toBe('0.60');
  });

  it('of another currency stand alone: dollars are no euros', () => {
    const own = new PriceList({ currency: 'EUR', models: { mine: { input: 1 } } });
    expect(own.at(TODAY).currency).toBe('EUR');
    expect(paid(own, 'mine')).toBe('0.50');
    expect(paid(own, 'gpt-4o-mini')).toBeUndefined();
  });

  it.each([
    ['a list', [], 'prices are no object'],
    [
      'an unknown field',
      { model: {} },
      'prices has the unknown field "model"; it may have currency, models, batchDiscount.',
    ],
    [
      'a currency by its sign',
      { currency: '$' },
      'prices.currency is "$"; set three capital letters, such as USD.',
    ],
    ['a discount in percent', { batchDiscount: 50 }, 'prices.batchDiscount is 50; set a number from 0 to 1'],
    ['a discount that is too fine', { batchDiscount: 0.12345 }, 'prices.batchDiscount is 0.12345;'],
    ['no input', { models: { m: { output: 1 } } }, 'prices.models["m"] has no input;'],
    ['a text as price', { models: { m: { input: '1' } } }, 'prices.models["m"].input is "1"; set a number'],
    ['a price below 0', { models: { m: { input: -1 } } }, 'prices.models["m"].input is -1;'],
    [
      'a price with seven decimals',
      { models: { m: { input: 0.0000001 } } },
      'prices.models["m"].input is 1e-7;',
    ],
    [
      'an unknown kind',
      { models: { m: { input: 1, ouput: 2 } } },
      'prices.models["m"] has the unknown field "ouput"; it may have',
    ],
    ['a model that is no object', { models: { m: 1 } }, 'prices.models["m"] is no object;'],
    [
      'a star within a name',
      { models: { 'a*b': { input: 1 } } },
      'prices.models["a*b"]: a name has 1 to 100 characters, and * only at its end.',
    ],
    ['a star before a name', { models: { '*b': { input: 1 } } }, 'prices.models["*b"]: a name has'],
    ['two stars', { models: { 'a**': { input: 1 } } }, 'prices.models["a**"]: a name has'],
    ['no name', { models: { '': { input: 1 } } }, 'prices.models[""]: a name has'],
    [
      'a name that is too long',
      { models: { ['m'.repeat(101)]: { input: 1 } } },
      `prices.models["${'m'.repeat(101)}"]: a name has`,
    ],
    ['nothing but a star', { models: { '*': { input: 1 } } }, 'prices.models["*"]: a name has'],
    [
      'too many models',
      { models: Object.fromEntries(Array.from({ length: 200 }, (_, nth) => [`model-${nth}`, { input: 1 }])) },
      'prices take',
    ],
  ])('with %s are refused', (_, settings, problem) => {
    expect(problemsOf(settings)).toEqual([expect.stringContaining(problem)]);
  });

  it('may have usual floating-point prices', () => {
    expect(problemsOf({ models: { m: { input: 0.1 + 0.2, cachedInput: 0.07, output: 1e6 } } })).toEqual([]);
  });

  it('that are no JSON say where', () => {
    expect(parsePriceSettings('{"models":')).toEqual({
      problems: [expect.stringMatching(/^prices are no JSON: /)],
    });
  });
});
