/**
 * What a file may cost at most, as it says itself (`x-amz-meta-batchdrop-max-cost`): its high estimate may not be above it. A
 * cost that nobody can estimate may be.
 */
import type { Finding, JobEstimate } from '../../contract/events.ts';
import { MAX_COST_INSTRUCTION } from '../../contract/request-file.ts';
import { type Amount, amountOf, decimalOf } from './amount.ts';

/** Returns why the file may cost too much; undefined when it may not. */
export function findingOnCost(
  most: Amount | undefined,
  { cost, currency, models }: JobEstimate,
): Finding | undefined {
  if (most === undefined) return undefined;
  const high = amountOf(cost?.high ?? '');
  if (high !== undefined && high <= most) return undefined;
  const limit = `${MAX_COST_INSTRUCTION} is ${decimalOf(most)}`;
  const unpriced = models.first.find(({ price }) => price === 'unknown')?.model;
  const why =
    high !== undefined
      ? `the file may cost ${decimalOf(high)} ${currency}, and ${limit}`
      : unpriced !== undefined
        ? `no price of ${unpriced} is known, and ${limit}`
        : `rows set no limit for their output, such as max_tokens, so that they may cost any amount, and ${limit}`;
  return { line: null, code: 'above_max_cost', message: why };
}
