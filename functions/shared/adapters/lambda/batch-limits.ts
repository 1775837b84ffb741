import type { BatchLimits } from '../../domain/waiting/batch-limits.ts';
import type { Shares } from '../../domain/waiting/shares.ts';

/** Parses the limits that the construct writes into the environment. Errors: an Error that says what is wrong. */
export function parseBatchLimits(text: string): BatchLimits {
  const limits: unknown = JSON.parse(text);
  if (typeof limits !== 'object' || limits === null) throw new Error('BATCH_LIMITS: not an object');
  const { enqueuedTokens, maxOpenBatches, shares } = limits as Record<string, unknown>;
  if (typeof enqueuedTokens !== 'object' || enqueuedTokens === null)
    throw new Error('BATCH_LIMITS: enqueuedTokens is not an object');
  const models = Object.entries(enqueuedTokens).map(([model, tokens]) => [model, amount(model, tokens)]);
  return {
    enqueuedTokens: Object.fromEntries(models),
    ...(maxOpenBatches === undefined ? {} : { maxOpenBatches: amount('maxOpenBatches', maxOpenBatches) }),
    ...(shares === undefined ? {} : { shares: sharesIn(shares) }),
  };
}

function sharesIn(value: unknown): Shares {
  if (typeof value !== 'object' || value === null) throw new Error('BATCH_LIMITS: shares is not an object');
  const { by, weights } = value as Record<string, unknown>;
  if (typeof weights !== 'object' || weights === null)
    throw new Error('BATCH_LIMITS: the weights of shares are not an object');
  const known = Object.entries(weights).map(([name, weight]) => [name, weightIn(name, weight)]);
  return { ...(typeof by === 'string' ? { by } : {}), weights: Object.fromEntries(known) };
}

function weightIn(name: string, weight: unknown): number {
  if (typeof weight !== 'number' || !(weight > 0) || !Number.isFinite(weight))
    throw new Error(`BATCH_LIMITS: the weight of ${name} is not a number above 0`);
  return weight;
}

function amount(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw new Error(`BATCH_LIMITS: ${name} is not a whole number above 0`);
  return value;
}
