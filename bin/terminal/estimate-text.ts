import type { EstimatedModel, JobEstimate } from '../../functions/shared/contract/events.ts';
import { type Amount, amountOf, decimalOf } from '../../functions/shared/domain/money/amount.ts';
import { rounded } from './amounts.ts';
import { escapeControlCharacters } from './escape-control-characters.ts';
import { moneyShown } from './money.ts';

const SHOWN_MODELS = 3;

/**
 * Returns an estimate as one line: `estimate: $0.82 ($0.61 to $1.40), 1.2 M input and 0.3 M output tokens; gpt-4o-mini: list price
 * of 2026-08-21 less 50 %`. The tokens are the likely ones.
 */
export function estimateText(estimate: JobEstimate): string {
  const { cost, inputTokens, outputTokens, measured } = estimate;
  const kind = measured ? 'estimate' : 'rough estimate';
  const output = outputTokens.likely === 0 ? '' : ` and ${rounded(outputTokens.likely)} output`;
  const tokens = `${rounded(inputTokens.likely)} input${output} tokens`;
  if (!cost) return `${kind}: no price is known for ${unpricedModels(estimate)}; ${tokens}`;
  return `${kind}: ${costText(estimate)}, ${tokens}; ${modelsText(estimate)}`;
}

/** Returns the likely cost and its range: `$0.82 ($0.61 to $1.40)`; undefined when a model has no price. */
export function costText({ cost, currency }: Pick<JobEstimate, 'cost' | 'currency'>): string | undefined {
  if (!cost) return undefined;
  const { low, likely, high } = cost;
  const range =
    high === null
      ? `${moneyShown(low, currency)} or more: rows set no limit such as max_tokens`
      : `${moneyShown(low, currency)} to ${moneyShown(high, currency)}`;
  return `${moneyShown(likely, currency)} (${range})`;
}

/** Returns the cost of several jobs; undefined when that of one is not known, or they have several currencies. */
export function totalCost(
  estimates: readonly (JobEstimate | undefined)[],
): Pick<JobEstimate, 'cost' | 'currency'> | undefined {
  const [first] = estimates;
  let [low, likely, high]: [Amount, Amount, Amount | undefined] = [0n, 0n, 0n];
  for (const estimate of estimates) {
    if (!first || !estimate?.cost || estimate.currency !== first.currency) return undefined;
    low += amountOf(estimate.cost.low) ?? 0n;
    likely += amountOf(estimate.cost.likely) ?? 0n;
    const more = estimate.cost.high === null ? undefined : amountOf(estimate.cost.high);
    high = high === undefined || more === undefined ? undefined : high + more;
  }
  if (!first) return undefined;
  return {
    currency: first.currency,
    cost: {
      low: decimalOf(low),
      likely: decimalOf(likely),
      high: high === undefined ? null : decimalOf(high),
    },
  };
}

/** They come first in the list. */
function unpricedModels({ models }: JobEstimate): string {
  const unpriced = models.first.filter(({ price }) => price === 'unknown');
  return listed(
    unpriced.map(({ model }) => escapeControlCharacters(model)),
    unpriced.length,
  );
}

/** Models of the same price are named together. */
function modelsText({ models, batchDiscount }: JobEstimate): string {
  const less = batchDiscount === 0 ? '' : ` less ${Math.round(1_000 * batchDiscount) / 10} %`;
  const shown = models.first.slice(0, SHOWN_MODELS);
  const named = [...Map.groupBy(shown, priceText)].map(([price, alike]) => {
    const names = alike.map(({ model }) => escapeControlCharacters(model)).join(', ');
    return `${names}: ${price}${less}`;
  });
  return listed(named, named.length + models.count - shown.length);
}

function priceText({ price, priceDate }: EstimatedModel): string {
  if (price === 'settings') return 'your price';
  return priceDate === null ? 'list price' : `list price of ${escapeControlCharacters(priceDate)}`;
}

function listed(texts: readonly string[], count: number): string {
  const shown = texts.slice(0, SHOWN_MODELS);
  const more = count - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
