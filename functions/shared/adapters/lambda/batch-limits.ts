import { amountOf } from '../../domain/money/amount.ts';
import type { Budget, SpendLimits } from '../../domain/money/budget.ts';
import type { BatchLimits } from '../../domain/waiting/batch-limits.ts';
import type { Shares } from '../../domain/waiting/shares.ts';

type Fields = Record<string, unknown>;

/** Parses the limits that the construct writes into the environment. Errors: an Error that says what is wrong. */
export function parseBatchLimits(text: string): BatchLimits {
  const { enqueuedTokens, maxOpenBatches, shares, budget } = fieldsOf(JSON.parse(text), 'BATCH_LIMITS');
  const models = mapped(enqueuedTokens, 'enqueuedTokens', countOf);
  return {
    enqueuedTokens: models,
    ...(maxOpenBatches === undefined ? {} : { maxOpenBatches: countOf(maxOpenBatches, 'maxOpenBatches') }),
    ...(shares === undefined ? {} : { shares: sharesIn(fieldsOf(shares, 'shares')) }),
    ...(budget === undefined ? {} : { budget: budgetIn(fieldsOf(budget, 'budget')) }),
  };
}

function sharesIn({ by, weights }: Fields): Shares {
  return { ...(typeof by === 'string' ? { by } : {}), weights: mapped(weights, 'weights', positive) };
}

function budgetIn(budget: Fields): Budget {
  const { by, each = {}, eachPerMonth = {} } = budget;
  const days = mapped(each, 'each', money);
  const months = mapped(eachPerMonth, 'eachPerMonth', money);
  const names = [...new Set([...Object.keys(days), ...Object.keys(months)])];
  return {
    all: limitsIn(budget.perDay, budget.perMonth),
    ...(typeof by === 'string' ? { by } : {}),
    each: Object.fromEntries(
      names.map((name) => [name, { ...of(days, name, 'day'), ...of(months, name, 'month') }]),
    ),
    others: limitsIn(budget.others, budget.othersPerMonth),
    ...(budget.stopAtBudget === true ? { stopsRunning: true } : {}),
  };
}

function limitsIn(perDay: unknown, perMonth: unknown): SpendLimits {
  return {
    ...(perDay === undefined ? {} : { day: money(perDay, 'budget') }),
    ...(perMonth === undefined ? {} : { month: money(perMonth, 'budget') }),
  };
}

function of(amounts: Record<string, bigint>, name: string, period: keyof SpendLimits): SpendLimits {
  return Object.hasOwn(amounts, name) ? { [period]: amounts[name] } : {};
}

function mapped<T>(value: unknown, name: string, read: (one: unknown, name: string) => T): Record<string, T> {
  const all = Object.entries(fieldsOf(value, name)).map(([key, one]) => [key, read(one, key)]);
  return Object.fromEntries(all);
}

function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null) throw new Error(`BATCH_LIMITS: ${name} is not an object`);
  return value as Fields;
}

function countOf(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw new Error(`BATCH_LIMITS: ${name} is not a whole number above 0`);
  return value;
}

function positive(value: unknown, name: string): number {
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value))
    throw new Error(`BATCH_LIMITS: the weight of ${name} is not a number above 0`);
  return value;
}

function money(value: unknown, name: string): bigint {
  const amount = typeof value === 'number' ? amountOf(value.toFixed(DECIMALS)) : undefined;
  if (amount === undefined) throw new Error(`BATCH_LIMITS: ${name} is not an amount`);
  return amount;
}

const DECIMALS = 6;
