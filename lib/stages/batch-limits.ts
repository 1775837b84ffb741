import { MAX_OPEN_BATCHES } from '../../functions/shared/contract/open-batches.ts';
import type { BatchdropOptions } from '../batchdrop-props.ts';

type BatchLimitProps = Pick<BatchdropOptions, 'enqueuedTokens' | 'maxOpenBatches'>;

const MAX_MODELS = 50; // a function's environment holds 4 KB
const MAX_MODEL = 60; // characters; the ledger's admissions name the model of each batch

/** Returns the limits as the functions read them from their environment. */
export function batchLimitsOf({ enqueuedTokens = {}, maxOpenBatches }: BatchLimitProps): string {
  return JSON.stringify({ enqueuedTokens, maxOpenBatches });
}

/** Yields what is wrong with the limits, one sentence each. */
export function* batchLimitProblems({
  enqueuedTokens = {},
  maxOpenBatches,
}: BatchLimitProps): Generator<string> {
  if (maxOpenBatches !== undefined && !isWhole(maxOpenBatches, MAX_OPEN_BATCHES)) {
    yield `maxOpenBatches is ${maxOpenBatches}; set a whole number from 1 to ${MAX_OPEN_BATCHES}.`;
  }
  const models = Object.entries(enqueuedTokens);
  if (models.length > MAX_MODELS) {
    yield `enqueuedTokens names ${models.length} models; name at most ${MAX_MODELS}.`;
  }
  for (const [model, tokens] of models) {
    if (model.length === 0 || model.length > MAX_MODEL) {
      yield `enqueuedTokens names the model "${model}"; a name has 1 to ${MAX_MODEL} characters.`;
    }
    if (!isWhole(tokens, Number.MAX_SAFE_INTEGER)) {
      yield `enqueuedTokens of ${model} is ${tokens}; set a whole number above 0.`;
    }
  }
}

function isWhole(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}
