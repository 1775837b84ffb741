import { MAX_OPEN_BATCHES } from '../../functions/shared/contract/open-batches.ts';

const MAX_MODELS = 50; // the environment of a function holds 4 KB
const MAX_MODEL = 60; // characters; and so do the admissions of the ledger, which name it once a batch

/** The limits as the functions read them; throws a sentence for what cannot be meant. */
export function batchLimitsOf({
  enqueuedTokens = {},
  maxOpenBatches,
}: {
  enqueuedTokens?: Readonly<Record<string, number>> | undefined;
  maxOpenBatches?: number | undefined;
}): string {
  if (maxOpenBatches !== undefined && !isWhole(maxOpenBatches, MAX_OPEN_BATCHES)) {
    throw new Error(
      `maxOpenBatches has to be a whole number from 1 to ${MAX_OPEN_BATCHES}; it is ${maxOpenBatches}`,
    );
  }
  const models = Object.entries(enqueuedTokens);
  if (models.length > MAX_MODELS) {
    throw new Error(`enqueuedTokens names ${models.length} models; ${MAX_MODELS} are the most`);
  }
  for (const [model, tokens] of models) {
    if (model.length === 0 || model.length > MAX_MODEL)
      throw new Error(`enqueuedTokens: "${model}" is no name of a model of 1 to ${MAX_MODEL} characters`);
    if (!isWhole(tokens, Number.MAX_SAFE_INTEGER))
      throw new Error(`enqueuedTokens of ${model} has to be a whole number above 0; it is ${tokens}`);
  }
  return JSON.stringify({ enqueuedTokens, maxOpenBatches });
}

function isWhole(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}
