import type { Admissions } from '../../../functions/shared/domain/ledger-records.ts';
import { type Amount, amountOf, decimalOf } from '../../../functions/shared/domain/money/amount.ts';
import type { Budget, Charge, SpendLimits } from '../../../functions/shared/domain/money/budget.ts';
import type { PartRef } from '../../../functions/shared/domain/part.ts';
import { isAtItsEnd } from '../../../functions/shared/domain/part-end.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import { nameOf } from './ledger-watch.ts';

/** A charge that ever was, as it last was; and which wait of its part its admission ended. */
export interface EverCharged {
  charge: Charge;
  since: number | undefined;
  isApproved: boolean;
  /** It is no longer listed. One that was settled in the same moment was never seen so. */
  isGone: boolean;
}

const PERIODS = { day: 10, month: 7 } as const;

/** Follows what a budget reserves and spends: it keeps every charge that ever was, and adds them up by itself. */
export class SpendingWatch {
  /** By part and time of admission. */
  readonly all = new Map<string, EverCharged>();
  /** Attempts that were ever open while what others did cost had used up a purse that pays for them. */
  readonly mayStop = new Set<string>();
  readonly broken: string[] = [];
  checked = 0;
  last: Admissions | undefined;
  readonly #budget: Budget | undefined;
  readonly #ledger: Ledger;
  /** Returns what a row of the model is billed for, times the rows of the batch that ran. */
  readonly #billed: (batchId: string, model: string) => Amount;

  constructor(
    budget: Budget | undefined,
    ledger: Ledger,
    billed: (batchId: string, model: string) => Amount,
  ) {
    this.#budget = budget;
    this.#ledger = ledger;
    this.#billed = billed;
  }

  /** Some charge is not settled yet. */
  get isOpen(): boolean {
    return this.last?.spending?.charges.some(({ settled }) => settled === undefined) ?? false;
  }

  /** Call it with each item that was written. */
  async note(admissions: Admissions): Promise<void> {
    this.last = admissions;
    const news: Charge[] = [];
    for (const charge of admissions.spending?.charges ?? []) {
      const key = keyOf(charge);
      const known = this.all.get(key);
      if (known) known.charge = charge;
      else {
        this.#noteSecondsBefore(charge);
        const part = await this.#ledger.readPart(charge);
        const isApproved = part?.approvedAt !== undefined;
        // A stale index may name an earlier wait of the part: then nothing is admitted.
        const since = admissions.admitted.find((one) => nameOf(one) === nameOf(charge))?.since;
        this.all.set(key, { charge, since, isApproved, isGone: false });
        if (!isApproved) news.push(charge);
      }
    }
    const listed = new Set(admissions.spending?.charges.map(keyOf));
    for (const [key, one] of this.all) one.isGone = !listed.has(key);
    if (!this.#budget) return;
    for (const charge of news) await this.#check(this.#budget, charge);
    for (const charge of admissions.spending?.charges ?? [])
      if (charge.settled === undefined && (await this.#isUsedUp(this.#budget, charge)))
        this.mayStop.add(keyOf(charge));
  }

  /** An attempt whose second batches were found when its charge was dropped was never seen with them: the next charge says so. */
  #noteSecondsBefore(next: Charge): void {
    const earlier = [...this.all.values()].filter(({ charge }) => nameOf(charge) === nameOf(next));
    const seen = earlier.reduce((sum, { charge }) => sum + (charge.seconds ?? 0), 0);
    const unseen = (next.secondsBefore ?? 0) - seen;
    const last = earlier.at(-1);
    if (last && unseen > 0) last.charge = { ...last.charge, seconds: (last.charge.seconds ?? 0) + unseen };
  }

  /** What was spent and reserved, and what is admitted now, is within each purse that pays for it. */
  async #check(budget: Budget, admitted: Charge): Promise<void> {
    for (const [limits, isOf] of pursesOf(budget, admitted.group))
      for (const period of ['day', 'month'] as const) await this.#checkPurse(limits, period, admitted, isOf);
  }

  /** Returns whether what others did cost is the limit of a purse that pays for the charge now, or more. */
  async #isUsedUp(budget: Budget, open: Charge): Promise<boolean> {
    const now = this.last?.spending;
    for (const [limits, isOf] of pursesOf(budget, open.group))
      for (const period of ['day', 'month'] as const) {
        const limit = limits[period];
        if (limit === undefined || periodOf(open, period) !== now?.[period]) continue;
        let cost = 0n;
        for (const one of this.all.values())
          if (isOf(one.charge.group) && isIn(one.charge, open, period)) cost += await this.#costOf(one);
        if (cost >= limit) return true;
      }
    return false;
  }

  async #checkPurse(
    limits: SpendLimits,
    period: keyof typeof PERIODS,
    admitted: Charge,
    isOf: (group: string) => boolean,
  ): Promise<void> {
    const limit = limits[period];
    if (limit === undefined) return;
    this.checked += 1;
    let used = 0n;
    // Not those that the same write admitted after it: one of an approved job may pass the wall.
    for (const one of this.all.values()) {
      if (isOf(one.charge.group) && isIn(one.charge, admitted, period)) used += await this.#used(one);
      if (one.charge === admitted) break;
    }
    if (used <= limit) return;
    const what = `${decimalOf(used)} spent and reserved in a ${period} of ${decimalOf(limit)}`;
    this.broken.push(`${keyOf(admitted)} was admitted with ${what}`);
  }

  /** Returns what an attempt did cost, as far as the item says so, with its second batches: 0 while it is open. */
  async #costOf({ charge, isGone }: EverCharged): Promise<Amount> {
    const { settled } = charge;
    if (settled !== undefined) return amount(settled) + ofSeconds(charge);
    return isGone ? (await this.#billedFor(charge)) + ofSeconds(charge) : 0n;
  }

  async #billedFor(charge: Charge): Promise<Amount> {
    const part = await this.#ledger.readPart(charge);
    if (!part) return 0n;
    const attempt = [part, ...part.ran].find(({ admission }) => admission?.at === charge.at);
    return attempt?.batch ? this.#billed(attempt.batch.batchId, part.model) : 0n;
  }

  /** Counts what may still be billed as it was estimated, whatever the item says. */
  async #used({ charge, since, isGone }: EverCharged): Promise<Amount> {
    if (isGone && charge.settled === undefined) return this.#billedFor(charge);
    const part = await this.#ledger.readPart(charge);
    const high = amount(charge.high);
    const isWaiting = part?.waiting !== undefined && part.waiting.since === since;
    const isRunning = part?.admission?.at === charge.at && !isAtItsEnd(part);
    const isOpen = part?.cancelRequestedAt === undefined && (isWaiting || isRunning);
    return isOpen && part?.phase !== 'requeued' ? high : amount(charge.settled ?? charge.high);
  }
}

function isIn(one: Charge, other: Charge, period: keyof typeof PERIODS): boolean {
  return periodOf(one, period) === periodOf(other, period);
}

/** Returns the day or the month of a charge. */
export function periodOf({ day }: Charge, period: keyof typeof PERIODS): string {
  return day.slice(0, PERIODS[period]);
}

/** Returns the key of an attempt: the name of its part, and when it was admitted. */
export function keyOf(part: PartRef & { at: number | undefined }): string {
  return `${nameOf(part)} at ${part.at}`;
}

/** Returns what the second batches of an attempt are billed for. */
export function ofSeconds({ seconds = 0, high }: Charge): Amount {
  return BigInt(seconds) * amount(high);
}

/** Returns the limits that a group pays from, each with whether another group pays from it, too. */
function pursesOf({ all, each, others }: Budget, group: string): [SpendLimits, (other: string) => boolean][] {
  const own = Object.hasOwn(each, group) ? (each[group] ?? {}) : others;
  return [
    [all, () => true],
    [own, (other) => other === group],
  ];
}

export function amount(decimal: string | null): Amount {
  return decimal === null ? 0n : (amountOf(decimal) ?? 0n);
}
