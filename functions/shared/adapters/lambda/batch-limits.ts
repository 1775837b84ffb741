import type { BatchLimits } from '../../domain/waiting/batch-limits.ts';

/** Parses the limits that the construct writes into the environment. Errors: an Error that says what is wrong. */
export function parseBatchLimits(text: string): BatchLimits {
  const limits: unknown = JSON.parse(text);
  if (typeof limits !== 'object' || limits === null) throw new Error('BATCH_LIMITS: not an object');
  const { enqueuedTokens, maxOpenBatches } = limits as Record<string, unknown>;
  if (typeof enqueuedTokens !== 'object' || enqueuedTokens === null)
    throw new Error('BATCH_LIMITS: enqueuedTokens is not an object');
  const models = Object.entries(enqueuedTokens).map(([model, tokens]) => [model, amount(model, tokens)]);
  return {
    enqueuedTokens: Object.fromEntries(models),
    ...(maxOpenBatches === undefined ? {} : { maxOpenBatches: amount('maxOpenBatches', maxOpenBatches) }),
  };
}

function amount(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw new Error(`BATCH_LIMITS: ${name} is not a whole number above 0`);
  return value;
}
