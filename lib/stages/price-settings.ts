import { type PriceSettings, priceProblems } from '../../functions/shared/contract/price-settings.ts';
import type { BatchdropOptions } from '../batchdrop-props.ts';
import { batchLimitProblems, batchLimitsOf } from './batch-limits.ts';

const MAX_JSON = 3_000; // a function's environment holds 4 KB

/** The prices as the functions read them from their environment; nothing without prices of one's own. */
export function pricesEnvironment({ prices }: Pick<BatchdropOptions, 'prices'>): { PRICES?: string } {
  return prices === undefined ? {} : { PRICES: JSON.stringify(prices satisfies PriceSettings) };
}

/** What is wrong with the prices, a sentence each. INTAKE has the limits, too. */
export function* priceSettingsProblems(
  props: Pick<BatchdropOptions, 'prices' | 'enqueuedTokens' | 'maxOpenBatches' | 'shares' | 'budget'>,
): Generator<string> {
  const { prices } = props;
  const problems = prices === undefined ? [] : priceProblems(prices);
  yield* problems;
  if (problems.length > 0 || [...batchLimitProblems(props)].length > 0) return; // they may not even be JSON
  const length = Buffer.byteLength(JSON.stringify(prices ?? '') + batchLimitsOf(props));
  if (length > MAX_JSON)
    yield `prices, enqueuedTokens, shares and budget together take ${length} bytes as JSON; at most ${MAX_JSON} fit into the environment of a function, so name fewer models, shares or groups.`;
}
