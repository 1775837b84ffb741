import { type PriceSettings, priceProblems } from '../../functions/shared/contract/price-settings.ts';
import type { BatchdropOptions } from '../batchdrop-props.ts';

/** The prices as the functions read them from their environment; nothing without prices of one's own. */
export function pricesEnvironment({ prices }: Pick<BatchdropOptions, 'prices'>): { PRICES?: string } {
  return prices === undefined ? {} : { PRICES: JSON.stringify(prices satisfies PriceSettings) };
}

/** What is wrong with the prices, a sentence each. */
export function* priceSettingsProblems({ prices }: Pick<BatchdropOptions, 'prices'>): Generator<string> {
  if (prices !== undefined) yield* priceProblems(prices);
}
