/**
 * Decides whether a part may begin within the budget (`budget.ts`), and how much of it:
 *
 *   - it may begin when its high estimate fits what its purses have left; until then it waits, and delays nobody
 *   - a part of a model without a price waits, since nobody knows what it may cost
 *   - a part that may cost more than a whole purse holds runs in slices of its rows, each as large as what is left, but not
 *     before a tenth of the purse is left. A single row that may cost more is stopped: a person has to act
 *   - rows without a limit for their output, of which nothing was measured, begin with a slice of at most a twentieth of the
 *     purse. It shows how long their answers are
 *   - a part of an approved job begins in any case. What it may cost is reserved like everything else
 */
import type { Reason } from '../../shared/contract/events.ts';
import { type Amount, decimalOf } from '../../shared/domain/money/amount.ts';
import { type Charge, type Purses, ROW_ABOVE_BUDGET } from '../../shared/domain/money/budget.ts';
import { type Estimate, isLimited } from '../../shared/domain/money/estimate.ts';
import type { RowsToRun } from '../../shared/domain/money/measured-rows.ts';
import { boundsOfSome } from '../../shared/domain/money/output-bounds.ts';
import type { Admission } from '../../shared/domain/part.ts';
import type { WaitingPart } from '../../shared/domain/waiting/admission-queue.ts';

/** What the budget says about a part. `charges`: whether a purse pays for it. */
export type BudgetDecision =
  | { may: 'begin'; charges: boolean; atMost?: RowsAtMost; reserve?: Amount }
  | { may: 'wait'; for: 'budget' | 'price_unknown' }
  | { may: 'stop'; reason: Reason };

type RowsAtMost = Required<NonNullable<Admission['atMost']>>;

/** Rows of one model, and the day of whose prices they cost, in milliseconds. */
type RowsToPrice = RowsToRun & { at: number };

/** Returns what rows may cost; null without a price. */
export type EstimateCost = (rows: RowsToPrice) => Estimate['cost'];

const FIRST_SHARE = 20n; // 5 %
const LEAST_SHARE = 10n;

/** The longest answer of most models: what a row without a limit is taken for until answers were measured. */
const LONGEST_ANSWER = 16_384;

/** The wall. It counts what it lets begin. */
export class BudgetGate {
  readonly #purses: Purses;
  readonly #estimate: EstimateCost;
  /** Decisions about whole parts, since something last began. */
  #decided = new Map<WaitingPart, BudgetDecision>();

  constructor(purses: Purses, estimate: EstimateCost) {
    this.#purses = purses;
    this.#estimate = estimate;
  }

  /** Decides about the part, or about as much of it as `size` says. */
  decide(part: WaitingPart, size?: Admission['atMost']): BudgetDecision {
    if (size) return this.#decide(part, size);
    const decision = this.#decided.get(part) ?? this.#decide(part, size);
    this.#decided.set(part, decision);
    return decision;
  }

  #decide(part: WaitingPart, size: Admission['atMost']): BudgetDecision {
    const { group = '', approvedAt, model, uploadBytes, rows: count = 1, output, jobCreatedAt: at } = part;
    const whole = this.#purses.wholeOf(group);
    const left = this.#purses.leftFor(group);
    if (whole === undefined || left === undefined) return { may: 'begin', charges: false };
    const all = { model, at, uploadBytes, rows: count, ...(output ? { output } : {}) };
    const rows = sized(all, size);
    const cost = this.#estimate(rows);
    if (approvedAt !== undefined) return begins(part, rows, this.#highOf(withBounds(rows)));
    if (!cost) return { may: 'wait', for: 'price_unknown' };
    if (!isLimited(cost.high)) return this.#first(part, withBounds(rows), { whole, left });
    if (cost.high <= left) return begins(part, rows, cost.high);
    if (cost.high <= whole) return { may: 'wait', for: 'budget' };
    if (rows.rows === 1) return { may: 'stop', reason: rowAbove(model, cost.high, whole) };
    return this.#slice(part, rows, { whole, left });
  }

  /** Counts a part that begins; returns its charge, if a purse pays for it. */
  begin(
    { jobId, planId, number, group = '' }: WaitingPart,
    { charges, reserve }: Extract<BudgetDecision, { may: 'begin' }>,
    at: number,
  ): Charge | undefined {
    if (!charges) return undefined;
    if (reserve !== undefined) this.#purses.take(group, reserve);
    this.#decided = new Map();
    const high = reserve === undefined ? null : decimalOf(reserve);
    return { jobId, planId, number, at, day: this.#purses.day, group, high };
  }

  #first(part: WaitingPart, rows: RowsToPrice, { whole, left }: Purse): BudgetDecision {
    const share = whole / FIRST_SHARE;
    const slice = this.#largest(rows, share < left ? share : left) ?? oneOf(rows);
    const high = this.#highOf(slice) ?? whole;
    const reserve = high < whole ? high : whole;
    return reserve > left ? { may: 'wait', for: 'budget' } : begins(part, slice, reserve);
  }

  #slice(part: WaitingPart, rows: RowsToPrice, { whole, left }: Purse): BudgetDecision {
    if (left * LEAST_SHARE < whole) return { may: 'wait', for: 'budget' };
    const slice = this.#largest(rows, left) ?? this.#shortRow(rows, left);
    if (slice) return begins(part, slice, this.#highOf(slice));
    if (this.#shortRow(rows, whole)) return { may: 'wait', for: 'budget' };
    return { may: 'stop', reason: rowAbove(rows.model, this.#highOf(oneOf(rows)) ?? whole, whole) };
  }

  /** Returns the most of the rows whose high estimate is within the amount; undefined: not even one. */
  #largest(rows: RowsToPrice, amount: Amount): RowsToPrice | undefined {
    let [fits, over] = [0, rows.rows + 1];
    while (over - fits > 1) {
      const middle = Math.floor((fits + over) / 2);
      const high = this.#highOf(slicedAt(rows, middle));
      if (high !== undefined && high <= amount) fits = middle;
      else over = middle;
    }
    return fits === 0 ? undefined : slicedAt(rows, fits);
  }

  /** Returns a single row of the most bytes that fit; SUBMIT finds out whether the next row has so few. */
  #shortRow(rows: RowsToPrice, amount: Amount): RowsToPrice | undefined {
    const one = oneOf(rows);
    let [fits, over] = [0, one.uploadBytes];
    while (over - fits > 1) {
      const middle = Math.floor((fits + over) / 2);
      const high = this.#highOf({ ...one, uploadBytes: middle });
      if (high !== undefined && high <= amount) fits = middle;
      else over = middle;
    }
    return fits === 0 ? undefined : { ...one, uploadBytes: fits };
  }

  #highOf(rows: RowsToPrice): Amount | undefined {
    const cost = this.#estimate(rows);
    return cost && isLimited(cost.high) ? cost.high : undefined;
  }
}

interface Purse {
  whole: Amount;
  left: Amount;
}

/** No attempt sends more rows than were estimated. */
function begins(
  part: WaitingPart,
  { rows, uploadBytes }: RowsToPrice,
  reserve: Amount | undefined,
): BudgetDecision {
  const isAll = rows === (part.rows ?? 1) && !part.isSlice;
  return {
    may: 'begin',
    charges: true,
    ...(isAll ? {} : { atMost: { rows, uploadBytes } }),
    ...(reserve === undefined ? {} : { reserve }),
  };
}

function oneOf(rows: RowsToPrice): RowsToPrice {
  return slicedAt(rows, 1);
}

function slicedAt(rows: RowsToPrice, count: number): RowsToPrice {
  return sized(rows, { rows: count, uploadBytes: Math.ceil((rows.uploadBytes * count) / rows.rows) });
}

/** Returns as many of the rows as the size says. */
function sized({ output, ...all }: RowsToPrice, size: Admission['atMost']): RowsToPrice {
  const rows = Math.min(all.rows, size?.rows ?? all.rows);
  const uploadBytes = Math.min(all.uploadBytes, size?.uploadBytes ?? all.uploadBytes);
  return { ...all, rows, uploadBytes, ...(output ? { output: boundsOfSome(output, rows) } : {}) };
}

/** Returns the rows as if each without a limit had that of the longest usual answer. */
function withBounds(rows: RowsToPrice): RowsToPrice {
  const { tokens, largest, unboundedRows } = rows.output ?? {
    tokens: 0,
    largest: 0,
    unboundedRows: rows.rows,
  };
  const output = {
    tokens: tokens + unboundedRows * LONGEST_ANSWER,
    largest: Math.max(largest, unboundedRows > 0 ? LONGEST_ANSWER : 0),
    unboundedRows: 0,
  };
  return { ...rows, output };
}

function rowAbove(model: string, high: Amount, whole: Amount): Reason {
  const message = `a row of ${model} may cost ${decimalOf(high)}, and the whole budget is ${decimalOf(whole)}; Batchdrop sends nothing more of this part until you approve or cancel the job`;
  return { code: ROW_ABOVE_BUDGET, message };
}
