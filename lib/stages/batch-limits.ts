import { MAX_OPEN_BATCHES, MAX_SHARE_NAME } from '../../functions/shared/contract/open-batches.ts';
import type { BatchdropOptions } from '../batchdrop-props.ts';
import { shown } from '../guards/shown.ts';
import type { SharesProps } from '../shares-props.ts';
import { budgetProblems, isPairName } from './budget.ts';

type BatchLimitProps = Pick<BatchdropOptions, 'enqueuedTokens' | 'maxOpenBatches' | 'shares' | 'budget'>;

const MAX_MODELS = 50; // a function's environment holds 4 KB
const MAX_MODEL = 60; // characters; the ledger's admissions name the model of each batch
const MAX_SHARES = 30;
const WEIGHTS = { least: 0.01, most: 100 };

/** Returns the limits as the functions read them from their environment. */
export function batchLimitsOf({
  enqueuedTokens = {},
  maxOpenBatches,
  shares,
  budget,
}: BatchLimitProps): string {
  const known = shares && { by: shares.by, weights: shares.weights ?? {} };
  return JSON.stringify({ enqueuedTokens, maxOpenBatches, shares: known, budget });
}

/** Yields what is wrong with the limits, one sentence each. */
export function* batchLimitProblems({
  enqueuedTokens = {},
  maxOpenBatches,
  shares = {},
  budget,
}: BatchLimitProps): Generator<string> {
  if (maxOpenBatches !== undefined && !isWhole(maxOpenBatches, MAX_OPEN_BATCHES)) {
    yield `maxOpenBatches is ${shown(maxOpenBatches)}; set a whole number from 1 to ${MAX_OPEN_BATCHES}.`;
  }
  const models = Object.entries(enqueuedTokens);
  if (models.length > MAX_MODELS) {
    yield `enqueuedTokens names ${models.length} models; name at most ${MAX_MODELS}.`;
  }
  for (const [model, tokens] of models) {
    if (model.length === 0 || model.length > MAX_MODEL) {
      yield `enqueuedTokens names the model ${shown(model)}; a name has 1 to ${MAX_MODEL} characters.`;
    }
    if (!isWhole(tokens, Number.MAX_SAFE_INTEGER)) {
      yield `enqueuedTokens of ${model} is ${shown(tokens)}; set a whole number above 0.`;
    }
  }
  yield* shareProblems(shares);
  yield* budgetProblems(budget);
}

function* shareProblems({ by, weights = {} }: SharesProps): Generator<string> {
  if (by !== undefined && !isPairName(by))
    yield `shares.by is ${shown(by)}; set the name of a metadata pair in lower case, without the prefix, such as team.`;
  const all = Object.entries(weights);
  if (all.length > MAX_SHARES) yield `shares.weights names ${all.length} shares; name at most ${MAX_SHARES}.`;
  for (const [name, weight] of all) {
    if (name.length === 0 || name.length > MAX_SHARE_NAME)
      yield `shares.weights names the share ${shown(name)}; a name has 1 to ${MAX_SHARE_NAME} characters.`;
    if (!(typeof weight === 'number' && weight >= WEIGHTS.least && weight <= WEIGHTS.most))
      yield `shares.weights of ${name} is ${shown(weight)}; set a number from ${WEIGHTS.least} to ${WEIGHTS.most}.`;
    if (by === undefined && name !== '*')
      yield `shares.weights names ${name} without shares.by; set shares.by, such as team.`;
  }
}

function isWhole(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}
