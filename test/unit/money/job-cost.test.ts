import { describe, expect, it } from 'vitest';
import { jobCost } from '../../../functions/shared/domain/money/job-cost.ts';
import { Prices } from '../../../functions/shared/domain/money/prices.ts';
import { type ModelTokens, NO_TOKENS } from '../../../functions/shared/domain/money/token-counts.ts';

const LONG = { above: 1_000, input: '3', output: '5' };
const TABLE = {
  ...{ currency: 'USD', date: '2026-11-29', source: 'this test' },
  models: [
    {
      ids: ['long'],
      prices: [{ input: '1', cachedInput: '0.5', cacheWrites: '2', output: '2', long: LONG }],
    },
  ],
};
const PRICES = new Prices([TABLE], Date.UTC(2026, 10, 29), 0.5);

const SHORT_ROWS: ModelTokens = {
  ...{
    model: 'long',
    rows: 2,
    input: 1_000,
    cachedInput: 400,
    cacheWrites: 100,
    output: 300,
    reasoning: 20,
    media: 0,
  },
};
const LONG_ROWS = {
  rows: 1,
  input: 5_000,
  cachedInput: 40,
  cacheWrites: 10,
  output: 30,
  reasoning: 2,
  media: 0,
};

describe('the cost of a job', () => {
  it('has the tokens of rows with a short and with a long input together, each at its price', () => {
    const tokens = [{ ...SHORT_ROWS, long: LONG_ROWS }];
    expect(jobCost({ tokens, rowsWithoutUsage: 0 }, PRICES)).toEqual({
      currency: 'USD',
      // 500 × 1 + 400 × 0.5 + 100 × 2 + 300 × 2, and 4,950 × 3 + (40 + 10) × 3 + 30 × 5, in millionths
      ...{ list: '0.01665', paid: '0.008325', rowsWithoutUsage: 0 },
      models: [
        {
          ...{ model: 'long', rows: 3, inputTokens: 6_000, cachedInputTokens: 440, cacheWriteTokens: 110 },
          ...{ outputTokens: 330, reasoningTokens: 22, list: '0.01665', paid: '0.008325' },
        },
      ],
    });
  });

  it('is the sum of all models', () => {
    const tokens = [SHORT_ROWS, { ...SHORT_ROWS, cachedInput: 0, cacheWrites: 0 }];
    const { list, paid, models } = jobCost({ tokens, rowsWithoutUsage: 0 }, PRICES);
    expect(models.map((each) => each.paid)).toEqual(['0.00075', '0.0008']);
    expect({ list, paid }).toEqual({ list: '0.0031', paid: '0.00155' });
  });

  it('is unknown if a model has no price, or a row reports no tokens; what is known of each model is still there', () => {
    const unpriced = { ...NO_TOKENS, model: 'own-model', rows: 1, input: 7 };
    for (const tokens of [
      [SHORT_ROWS, unpriced],
      [unpriced, SHORT_ROWS],
    ])
      expect(jobCost({ tokens, rowsWithoutUsage: 0 }, PRICES)).toMatchObject({ list: null, paid: null });
    const { models, ...sum } = jobCost({ tokens: [SHORT_ROWS], rowsWithoutUsage: 1 }, PRICES);
    expect(sum).toMatchObject({ list: null, paid: null, rowsWithoutUsage: 1 });
    expect(models).toMatchObject([{ list: '0.0015', paid: '0.00075' }]);
  });
});
