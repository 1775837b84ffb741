import { amountOf } from '../../../functions/shared/domain/money/amount.ts';
import type { BatchLimits } from '../../../functions/shared/domain/waiting/batch-limits.ts';
import { Chance } from './chance.ts';

/** Limits that make parts wait. */
export interface Tightness {
  /** The limits that the operator has configured. */
  limits: BatchLimits;
  /** How many tokens of a model the account may have enqueued. */
  enqueuedTokens: (model: string) => number;
}

const EVERY_NTH = 3;
/** In which of nine histories teams share the limits. The others are as they were before there were shares. */
const SHARED = 4;
/** In which of nine histories there is a budget. */
const BUDGETED = 7;
/** Of a file of four rows: what it may cost by the first estimate. */
const FILE_COST = 0.14;
/** Of the crowd's files, each of which costs 0.20 and is estimated at 0.05 while its model is unknown. */
const SMALL_DAYS = [200, 300, 400].map((thousandths) => BigInt(thousandths) * 10n ** 9n);
const OF = 9;
const SMALL_ACCOUNT_SHARE = 0.6;

/**
 * Every third history is tight: it has one to three open batches, tokens for one or two files, or an account for one
 * file.
 */
export function tightnessOf(seed: number): Tightness | undefined {
  if (seed % OF === SHARED) return sharedTightness(seed);
  if (seed % OF === BUDGETED) return budgetOf(seed);
  if (seed % EVERY_NTH !== 0) return undefined;
  const chance = new Chance(seed);
  const tokens = chance.pick('enqueued tokens', [60, 100, 210, 20_000]) ?? 0;
  const dice = chance.of('limits');
  const isSmall = chance.of('small account') < SMALL_ACCOUNT_SHARE;
  return {
    limits: {
      enqueuedTokens: dice < 0.5 ? { m: tokens } : {},
      ...(dice > 0.3 ? { maxOpenBatches: chance.between('open batches', 1, 3) } : {}),
    },
    enqueuedTokens: (model) =>
      isSmall ? 40 + 10 * chance.between(`account of ${model}`, 0, 5) : Number.POSITIVE_INFINITY,
  };
}

/** Teams share a limit that makes most parts wait. */
function sharedTightness(seed: number): Tightness {
  const chance = new Chance(seed);
  const tokens = chance.pick('shared tokens', [60, 100, 210]) ?? 0;
  const ofModel = chance.of('shared limits') < 0.5;
  return {
    limits: {
      enqueuedTokens: ofModel ? { m: tokens } : {},
      ...(ofModel ? {} : { maxOpenBatches: chance.between('shared batches', 1, 2) }),
      shares: { by: 'team', weights: { search: 3, '*': 1 } },
    },
    enqueuedTokens: () => Number.POSITIVE_INFINITY,
  };
}

/**
 * What may be spent in a day is enough for a few files, of which one team may pay a part only. Where the budget stops what
 * runs, files cost more than was estimated, so that it is used up while others run.
 */
function budgetOf(seed: number): Tightness {
  const chance = new Chance(seed);
  const files = (name: string, least: number, most: number) =>
    amountOf((FILE_COST * chance.between(name, least, most)).toFixed(2)) ?? 0n;
  const isShared = chance.of('shares of a budget') < 0.5;
  const isTight = chance.of('batches of a budget') < 0.3;
  const stops = chance.of('stops at the budget') < 0.5;
  return {
    limits: {
      enqueuedTokens: {},
      ...(isTight ? { maxOpenBatches: chance.between('budgeted batches', 1, 3) } : {}),
      ...(isShared ? { shares: { by: 'team', weights: { search: 3, '*': 1 } } } : {}),
      budget: {
        all: {
          day: stops ? (chance.pick('small day', SMALL_DAYS) ?? 0n) : files('day', 6, 9),
          ...(chance.of('month') < 0.3 ? { month: files('month', 20, 40) } : {}),
        },
        by: 'team',
        each: { search: { day: files('search', 5, 7) } },
        others: chance.of('others') < 0.5 ? { day: files('others', 5, 8) } : {},
        ...(stops ? { stopsRunning: true } : {}),
      },
    },
    enqueuedTokens: () => Number.POSITIVE_INFINITY,
  };
}
