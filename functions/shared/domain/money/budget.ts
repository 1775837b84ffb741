/**
 * Budgets: what may be spent in a UTC day or month, by all files together and by groups of files, such as teams. A budget is a
 * wall: what was spent, what is reserved and the high estimate of what is admitted next stay within it.
 *
 *   - each attempt that is admitted reserves its high estimate: a charge. It belongs to the day and the month of its admission
 *   - once its batch is delivered, the charge has the true cost instead (`settled`). Nothing is ever added for it again: a
 *     later look at the same batch corrects the charge
 *   - a charge that can no longer change moves into the sums of its group
 *   - groups that the budget does not name share one purse, `default`
 */
import type { PartRef } from '../part.ts';
import { type Amount, amountOf, decimalOf } from './amount.ts';

/** What may be spent in a UTC day and in a UTC month. Absent: any amount. */
export interface SpendLimits {
  day?: Amount;
  month?: Amount;
}

/** The configured budget, in the currency of the price table. */
export interface Budget {
  /** Of all files together. */
  all: SpendLimits;
  /** The name of the metadata pair whose value names the group of a file; absent: there are no groups. */
  by?: string;
  /** By the name of the group. */
  each: Readonly<Record<string, SpendLimits>>;
  /** Of all other groups, and of files without one, together. */
  others: SpendLimits;
  /** Batches that run are cancelled once what others did cost has used up a budget that pays for them. */
  stopsRunning?: true;
}

/** What one attempt may cost, or did cost. Amounts are decimal numbers. */
export interface Charge extends PartRef {
  /** When it was admitted, in milliseconds: it identifies the attempt. */
  at: number;
  /** The day of its admission: `2026-11-29`. */
  day: string;
  /** Empty for those that share a purse. */
  group: string;
  /** What is reserved; null: a person approved it without any estimate. */
  high: string | null;
  /** Once it is known. */
  batchId?: string;
  /** What it did cost. */
  settled?: string;
  /** Second batches of the part that are counted here, each with what was reserved. */
  seconds?: number;
  /** Second batches of the part that earlier charges count. */
  secondsBefore?: number;
  /** When it is looked at next, in milliseconds; absent: at each tick. */
  lookAt?: number;
}

/** What was spent and what is reserved. */
export interface Spending {
  /** The present day and month: `2026-11-29`, `2026-11`. */
  day: string;
  month: string;
  /** The charges of these periods that are no longer listed, by group. */
  spentInDay: Readonly<Record<string, string>>;
  spentInMonth: Readonly<Record<string, string>>;
  charges: Charge[];
}

type Period = keyof SpendLimits;

/** A purse: a limit, and how much of it is used. */
export interface Purse {
  /** Null: that of all files together. Empty: that of the groups that are not named. */
  group: string | null;
  period: Period;
  limit: Amount;
  /** Spent and reserved. */
  used: Amount;
}

/** `stalled.code` of a part with a row that may cost more than a whole budget. An approval of its job releases it. */
export const ROW_ABOVE_BUDGET = 'row_above_budget';

const OTHERS = '';
const PERIODS: readonly Period[] = ['day', 'month'];
const DAY_LENGTH = 'YYYY-MM-DD'.length;
const MONTH_LENGTH = 'YYYY-MM'.length;

/** Returns the day of a time, in UTC. */
function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, DAY_LENGTH);
}

/** Returns the group of a file with this metadata: empty if it shares a purse with others. */
export function groupOf({ by, each }: Budget, metadata: Readonly<Record<string, string>>): string {
  const name = by !== undefined && Object.hasOwn(metadata, by) ? (metadata[by] ?? '') : '';
  return Object.hasOwn(each, name) ? name : OTHERS;
}

/** Returns the spending at a time: what belongs to earlier periods is dropped. A clock that runs behind changes nothing. */
export function spendingAt(spending: Spending | undefined, now: number): Spending {
  const today = dayOf(now);
  if (!spending) {
    return { day: today, month: today.slice(0, MONTH_LENGTH), spentInDay: {}, spentInMonth: {}, charges: [] };
  }
  if (today <= spending.day) return spending;
  const month = today.slice(0, MONTH_LENGTH);
  const isNewMonth = month !== spending.month;
  return {
    day: today,
    month,
    spentInDay: {},
    spentInMonth: isNewMonth ? {} : spending.spentInMonth,
    // An open one is still looked at; it counts for its own period only.
    charges: spending.charges.filter(({ day, settled }) => settled === undefined || day.startsWith(month)),
  };
}

/** Returns what a charge takes of its purses. */
export function amountOfCharge({ high, settled, seconds = 0 }: Charge): Amount {
  const reserved = amountIn(high ?? '0');
  return (settled === undefined ? reserved : amountIn(settled)) + BigInt(seconds) * reserved;
}

/** Returns the spending without a charge, which has moved into the sums of its group. */
export function withoutCharge(spending: Spending, charge: Charge): Spending {
  const { charges, day, month, spentInDay, spentInMonth } = spending;
  const amount = amountOfCharge(charge);
  return {
    ...spending,
    charges: charges.filter((one) => one !== charge),
    spentInDay: charge.day === day ? plus(spentInDay, charge.group, amount) : spentInDay,
    spentInMonth: charge.day.startsWith(month) ? plus(spentInMonth, charge.group, amount) : spentInMonth,
  };
}

/**
 * Returns the charges whose batches may run although a purse that pays for them is used up: what was delivered did cost as
 * much as its limit, or more.
 */
export function chargesToStop(budget: Budget, spending: Spending): Charge[] {
  const open = spending.charges.filter(({ settled }) => settled === undefined);
  if (open.length === 0) return [];
  const settled = spending.charges.filter((charge) => charge.settled !== undefined);
  const spent = new Purses(budget, { ...spending, charges: settled });
  const { day, month } = spending;
  const isOf = {
    day: (charge: Charge) => charge.day === day,
    month: ({ day: of }: Charge) => of.startsWith(month),
  };
  return open.filter((charge) =>
    spent.of(charge.group).some(({ period, limit, used }) => used >= limit && isOf[period](charge)),
  );
}

/** The purses of a budget, and how full they are. */
export class Purses {
  /** The present day. */
  readonly day: string;
  readonly #budget: Budget;
  readonly #used: Record<Period, Map<string, Amount>>;

  constructor(budget: Budget, { day, month, spentInDay, spentInMonth, charges }: Spending) {
    this.day = day;
    this.#budget = budget;
    this.#used = { day: sumsIn(spentInDay), month: sumsIn(spentInMonth) };
    for (const charge of charges) {
      if (charge.day === day) this.#add('day', charge.group, amountOfCharge(charge));
      if (charge.day.startsWith(month)) this.#add('month', charge.group, amountOfCharge(charge));
    }
  }

  /** Returns the purses that pay for files of the group. */
  of(group: string): Purse[] {
    const { all, each, others } = this.#budget;
    const own = Object.hasOwn(each, group) ? (each[group] ?? {}) : others;
    const name = Object.hasOwn(each, group) ? group : OTHERS;
    return [...this.#purses(null, all), ...this.#purses(name, own)];
  }

  /** Returns all purses. */
  all(): Purse[] {
    const { all, each, others } = this.#budget;
    return [
      ...this.#purses(null, all),
      ...Object.entries(each).flatMap(([group, limits]) => this.#purses(group, limits)),
      ...this.#purses(OTHERS, others),
    ];
  }

  /** Returns what may still be spent for the group now; undefined: any amount. It is below 0 after an approval. */
  leftFor(group: string): Amount | undefined {
    return least(this.of(group).map(({ limit, used }) => limit - used));
  }

  /** Returns what may be spent for the group in a whole period; undefined: any amount. */
  wholeOf(group: string): Amount | undefined {
    return least(this.of(group).map(({ limit }) => limit));
  }

  /** Counts an amount of the present day. */
  take(group: string, amount: Amount): void {
    for (const period of PERIODS) this.#add(period, group, amount);
  }

  #purses(group: string | null, limits: SpendLimits): Purse[] {
    return PERIODS.flatMap((period) => {
      const limit = limits[period];
      return limit === undefined ? [] : [{ group, period, limit, used: this.#usedOf(group, period) }];
    });
  }

  /** Groups that were named earlier pay from the common purse. */
  #usedOf(group: string | null, period: Period): Amount {
    let used = 0n;
    for (const [name, amount] of this.#used[period]) {
      const purse = Object.hasOwn(this.#budget.each, name) ? name : OTHERS;
      if (group === null || purse === group) used += amount;
    }
    return used;
  }

  #add(period: Period, group: string, amount: Amount): void {
    const sums = this.#used[period];
    sums.set(group, (sums.get(group) ?? 0n) + amount);
  }
}

function sumsIn(spent: Readonly<Record<string, string>>): Map<string, Amount> {
  return new Map(Object.entries(spent).map(([group, amount]) => [group, amountIn(amount)]));
}

function plus(
  spent: Readonly<Record<string, string>>,
  group: string,
  amount: Amount,
): Readonly<Record<string, string>> {
  const sums = sumsIn(spent);
  sums.set(group, (sums.get(group) ?? 0n) + amount);
  return Object.fromEntries([...sums].map(([name, sum]) => [name, decimalOf(sum)]));
}

function least(amounts: readonly Amount[]): Amount | undefined {
  const [first] = amounts.toSorted((a, b) => (a < b ? -1 : 1));
  return first;
}

function amountIn(decimal: string): Amount {
  const amount = amountOf(decimal);
  if (amount === undefined) throw new Error(`"${decimal}" is no amount`);
  return amount;
}
