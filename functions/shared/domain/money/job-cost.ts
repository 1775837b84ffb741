import type { JobCost, ModelCost } from '../../contract/events.ts';
import { type Amount, decimalOf } from './amount.ts';
import type { Billed } from './billed.ts';
import type { Prices } from './prices.ts';
import { type ModelTokens, NO_TOKENS } from './token-counts.ts';

/** Returns what the billed tokens cost. A sum in which anything is unknown is unknown itself. */
export function jobCost({ tokens, rowsWithoutUsage }: Billed, prices: Prices): JobCost {
  let sum: { list: Amount; paid: Amount } | undefined =
    rowsWithoutUsage === 0 ? { list: 0n, paid: 0n } : undefined;
  const models: ModelCost[] = [];
  for (const each of tokens) {
    const cost = prices.costOf(each);
    sum = sum && cost && { list: sum.list + cost.list, paid: sum.paid + cost.paid };
    models.push({ ...tokensOf(each), ...decimals(cost) });
  }
  return { currency: prices.currency, ...decimals(sum), models, rowsWithoutUsage };
}

function tokensOf({ model, rows, long = { ...NO_TOKENS, rows: 0 }, ...tokens }: ModelTokens) {
  return {
    model,
    rows: rows + long.rows,
    inputTokens: tokens.input + long.input,
    cachedInputTokens: tokens.cachedInput + long.cachedInput,
    cacheWriteTokens: tokens.cacheWrites + long.cacheWrites,
    outputTokens: tokens.output + long.output,
    reasoningTokens: tokens.reasoning + long.reasoning,
  };
}

function decimals(cost: { list: Amount; paid: Amount } | undefined) {
  return { list: cost ? decimalOf(cost.list) : null, paid: cost ? decimalOf(cost.paid) : null };
}
