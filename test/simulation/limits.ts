import type { BatchLimits } from '../../functions/shared/core/limits.ts';
import type { Chance } from './chance.ts';

const LIMITED_SHARE = 0.4;
const SMALL_ACCOUNT_SHARE = 0.3;

/** Limits that the operator has set, in some histories: one or two files of four rows at once, or one large part alone. */
export function limitsOf(chance: Chance): BatchLimits {
  const dice = chance.of('limits');
  const tokens = chance.pick('enqueued tokens', [60, 100, 210, 20_000]) ?? 0;
  const enqueuedTokens: Record<string, number> = dice < LIMITED_SHARE * 0.6 ? { m: tokens } : {};
  const isOpenLimited = dice < LIMITED_SHARE && dice > LIMITED_SHARE * 0.3;
  return {
    enqueuedTokens,
    ...(isOpenLimited ? { maxOpenBatches: chance.between('open batches', 1, 3) } : {}),
  };
}

/** What the account may have enqueued of each model: in some histories the four rows of one file, or few more. */
export function tokenLimitOf(chance: Chance): (model: string) => number {
  const isSmall = chance.of('small account') < SMALL_ACCOUNT_SHARE;
  return (model) =>
    isSmall ? 40 + 10 * chance.between(`account of ${model}`, 0, 5) : Number.POSITIVE_INFINITY;
}
