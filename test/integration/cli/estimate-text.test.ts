import { describe, expect, it } from 'vitest';
import { costText, estimateText, totalCost } from '../../../bin/terminal/estimate-text.ts';
import type { EstimatedModel, JobEstimate } from '../../../functions/shared/contract/events.ts';

const model = (differences: Partial<EstimatedModel> = {}): EstimatedModel => ({
  ...{ model: 'gpt-4o-mini', rows: 1_000, price: 'list', priceDate: '2026-08-21' },
  ...differences,
});

function estimate(differences: Partial<JobEstimate> = {}, ...models: EstimatedModel[]): JobEstimate {
  const first = models.length === 0 ? [model()] : models;
  return {
    currency: 'USD',
    cost: { low: '0.61', likely: '0.823', high: '1.40' },
    inputTokens: { low: 1_000_000, likely: 1_234_000, high: 1_500_000 },
    outputTokens: { low: 200_000, likely: 310_000, high: 600_000 },
    ...{ measured: true, batchDiscount: 0.5 },
    models: { count: first.length, first },
    ...differences,
  };
}

describe('an estimate as text', () => {
  it('has the cost, its range, the tokens, and where the price comes from', () => {
    expect(estimateText(estimate())).toBe(
      'estimate: $0.823 ($0.61 to $1.40), 1.2 M input and 310.0 k output tokens; gpt-4o-mini: list price of 2026-08-21 less 50 %',
    );
  });

  it('is rough before a batch was measured', () => {
    expect(estimateText(estimate({ measured: false }))).toMatch(/^rough estimate: \$0\.823/);
  });

  it('says why it has no end, and what sets one', () => {
    const open = estimate({ cost: { low: '0.61', likely: '0.823', high: null } });
    expect(estimateText(open)).toContain(
      '$0.823 ($0.61 or more: rows set no limit such as max_tokens), 1.2 M',
    );
  });

  it('names the models without a price, and guesses nothing', () => {
    const unknown = model({ model: 'own-model', price: 'unknown', priceDate: null });
    expect(estimateText(estimate({ cost: null }, unknown, model()))).toBe(
      'estimate: no price is known for own-model; 1.2 M input and 310.0 k output tokens',
    );
  });

  it('has no output tokens for embeddings', () => {
    const text = estimateText(estimate({ outputTokens: { low: 0, likely: 0, high: 0 } }));
    expect(text).toContain(', 1.2 M input tokens;');
  });

  it('tells your own prices from list prices, and names three of many models', () => {
    const models = [
      model({ model: 'own', price: 'settings', priceDate: null }),
      ...['b', 'c', 'd'].map((name) => model({ model: name })),
    ];
    expect(estimateText(estimate({ batchDiscount: 0, models: { count: 9, first: models } }))).toMatch(
      /; own: your price, b, c: list price of 2026-08-21 and 6 more$/,
    );
  });
});

describe('the cost of several jobs', () => {
  it('is exactly their sum', () => {
    const cents = estimate({ cost: { low: '0.000000000001', likely: '0.1', high: '0.2' } });
    expect(totalCost([cents, cents, cents])?.cost).toEqual({
      ...{ low: '0.000000000003', likely: '0.30', high: '0.60' },
    });
    const total = totalCost([estimate(), estimate()]);
    expect(total && costText(total)).toBe('$1.65 ($1.22 to $2.80)');
  });

  it('has no end if one of them has none', () => {
    const open = estimate({ cost: { low: '0.61', likely: '0.82', high: null } });
    expect(totalCost([open, estimate()])?.cost?.high).toBeNull();
    expect(totalCost([estimate(), open])?.cost?.high).toBeNull();
  });

  it('is not known if that of one is not, or of jobs in several currencies, or of none', () => {
    expect(totalCost([estimate(), estimate({ cost: null })])).toBeUndefined();
    expect(totalCost([estimate(), undefined])).toBeUndefined();
    expect(totalCost([estimate(), estimate({ currency: 'EUR' })])).toBeUndefined();
    expect(totalCost([])).toBeUndefined();
  });
});
