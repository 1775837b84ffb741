import { type EstimatedModel, excerptOf, type JobEstimate } from '../../contract/events.ts';
import { decimalOf } from './amount.ts';
import { estimateOf, isLimited, type NoLimit, type Range, sumOf } from './estimate.ts';
import type { MeasuredRows, RowsToRun } from './measured-rows.ts';
import type { Prices } from './prices.ts';

const MODELS_KEPT = 5; // the ledger keeps the estimate with the job

/** Returns the estimate of a job of these parts, as its event has it. */
export function jobEstimate(
  parts: readonly RowsToRun[],
  measured: readonly MeasuredRows[],
  prices: Prices,
): JobEstimate {
  const { input, output, cost, isMeasured } = sumOf(parts.map((part) => estimateOf(part, measured, prices)));
  const models = excerptOf(modelsOf(parts, prices));
  return {
    currency: prices.currency,
    cost: cost && {
      low: decimalOf(cost.low),
      likely: decimalOf(cost.likely),
      high: isLimited(cost.high) ? decimalOf(cost.high) : null,
    },
    inputTokens: input,
    outputTokens: withNull(output),
    measured: isMeasured,
    batchDiscount: prices.discount,
    models: { ...models, first: models.first.slice(0, MODELS_KEPT) },
  };
}

function withNull({ low, likely, high }: Range<number, number | NoLimit>): JobEstimate['outputTokens'] {
  return { low, likely, high: isLimited(high) ? high : null };
}

/** Those without a price first, as they need one; then those of the most rows. */
function modelsOf(parts: readonly RowsToRun[], prices: Prices): EstimatedModel[] {
  const rowsOf = new Map<string, number>();
  for (const { model, rows } of parts) rowsOf.set(model, (rowsOf.get(model) ?? 0) + rows);
  const models = [...rowsOf].map(([model, rows]): EstimatedModel => {
    const date = prices.dateOf(model);
    if (date === undefined) return { model, rows, price: 'unknown', priceDate: null };
    return date === ''
      ? { model, rows, price: 'settings', priceDate: null }
      : { model, rows, price: 'list', priceDate: date };
  });
  const isUnknown = ({ price }: EstimatedModel) => Number(price === 'unknown');
  return models.sort((a, b) => isUnknown(b) - isUnknown(a) || b.rows - a.rows);
}
