/**
 * The budget in one tick of POLL: what was spent by now (`charges.ts`), what may begin (`budget-gate.ts`), and what the
 * parts that wait are told.
 */
import type { WaitingFor } from '../../shared/contract/events.ts';
import type { Admissions } from '../../shared/domain/ledger-records.ts';
import {
  type Budget,
  type Charge,
  chargesToStop,
  Purses,
  type Spending,
  spendingAt,
  withoutCharge,
} from '../../shared/domain/money/budget.ts';
import { estimateOf } from '../../shared/domain/money/estimate.ts';
import type { MeasuredRows } from '../../shared/domain/money/measured-rows.ts';
import type { PriceList } from '../../shared/domain/money/price-list.ts';
import type { Part } from '../../shared/domain/part.ts';
import { nameOf, type WaitingPart } from '../../shared/domain/waiting/admission-queue.ts';
import { type BatchLimits, capacityFor } from '../../shared/domain/waiting/batch-limits.ts';
import { without } from '../../shared/domain/without.ts';
import { changePart } from '../../shared/lifecycle/compare-and-set.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { type BudgetDecision, BudgetGate } from './budget-gate.ts';
import type { Chosen } from './capacity.ts';
import { afterLook, type KnownOfCharges } from './charges.ts';
import { stopAtBudget } from './stop-at-budget.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics'> & {
  limits: BatchLimits;
  prices: Pick<PriceList, 'at'>;
};

const MAX_CHARGES = 800; // 170 bytes each, beside the admitted parts and the rest of their item
const MAX_TOLD = 50; // parts of a tick
const AT_ONCE = 16;
const NEAR = 80n; // percent

/** The reasons that only say that a part waits for admission. */
const SAYS_LITTLE: ReadonlySet<WaitingFor> = new Set([
  'enqueued_tokens',
  'open_batches',
  'budget',
  'price_unknown',
]);

/** The budget in one tick. */
export class TickBudget {
  readonly gate: BudgetGate;
  readonly #deps: Deps;
  readonly #budget: Budget;
  readonly #spending: Spending;

  private constructor(deps: Deps, budget: Budget, spending: Spending, measured: readonly MeasuredRows[]) {
    this.#deps = deps;
    this.#budget = budget;
    this.#spending = spending;
    const purses = new Purses(budget, spending);
    this.gate = new BudgetGate(
      purses,
      ({ at, ...rows }) => estimateOf(rows, measured, deps.prices.at(at)).cost,
    );
    const near = purses.all().filter(({ limit, used }) => used * 100n >= limit * NEAR).length;
    if (near > 0) deps.metrics.record('BudgetNear', near);
  }

  /** Looks at what was spent; undefined without a budget. Errors: RetryableError. */
  static async open(
    deps: Deps,
    { spending }: Admissions,
    known: KnownOfCharges & { measured: readonly MeasuredRows[] },
  ): Promise<TickBudget | undefined> {
    const { budget } = deps.limits;
    if (!budget) return undefined;
    const looked = await afterLook(deps, spendingAt(spending, deps.clock.now()), known);
    return new TickBudget(deps, budget, withCapacity(looked), known.measured);
  }

  /** How many parts may begin, whatever they cost. */
  get capacity(): number {
    return MAX_CHARGES - this.#spending.charges.length;
  }

  /** Returns the spending with the charges of what begins. A part has one charge, and one more for each uncertain create. */
  after(chosen: readonly Chosen[]): Spending {
    let next = this.#spending;
    for (const { charge } of chosen) {
      if (!charge) continue;
      const earlier = next.charges.filter((one) => nameOf(one) === nameOf(charge));
      const counted = Math.max(0, ...earlier.map((one) => (one.secondsBefore ?? 0) + (one.seconds ?? 0)));
      for (const one of earlier) if (one.settled !== undefined) next = withoutCharge(next, one);
      const counts = counted > 0 ? { secondsBefore: counted } : {};
      next = { ...next, charges: [...next.charges, { ...charge, ...counts }] };
    }
    return next;
  }

  /** Cancels what runs on a budget that is used up, if that was asked for. */
  async stop(): Promise<void> {
    if (this.#budget.stopsRunning)
      await stopAtBudget(this.#deps, chargesToStop(this.#budget, this.#spending));
  }

  /** Tells the parts that still wait what they wait for, and stops those that would wait forever. */
  async tell(waiting: readonly WaitingPart[]): Promise<void> {
    const { log, metrics } = this.#deps;
    const decided = waiting.map((part) => ({ part, decision: this.gate.decide(part) }));
    const waitFor = (reason: WaitingFor) =>
      decided.filter(({ decision }) => decision.may === 'wait' && decision.for === reason).length;
    const counts = { BudgetReached: waitFor('budget'), PriceUnknown: waitFor('price_unknown') } as const;
    for (const name of ['BudgetReached', 'PriceUnknown'] as const)
      if (counts[name] > 0) metrics.record(name, counts[name]);
    const news = decided.filter(({ part, decision }) => this.#isNews(part, decision)).slice(0, MAX_TOLD);
    await inParallel(news, AT_ONCE, async ({ part, decision }) => {
      try {
        await changePart(this.#deps, part, (known) => this.#told(known, part, decision));
      } catch (failure) {
        const reason = failure instanceof Error ? failure.message : String(failure);
        log.warn('part_not_told', { jobId: part.jobId, part: part.number, reason });
      }
    });
  }

  #isNews(part: WaitingPart, decision: BudgetDecision): boolean {
    const { for: reason } = part.waiting;
    return decision.may === 'stop' || (SAYS_LITTLE.has(reason) && this.#reasonFor(part, decision) !== reason);
  }

  #reasonFor({ model, waiting }: WaitingPart, decision: BudgetDecision): WaitingFor {
    if (decision.may === 'wait') return decision.for;
    const isAboutMoney = waiting.for === 'budget' || waiting.for === 'price_unknown';
    return isAboutMoney ? (capacityFor(this.#deps.limits, model) ?? 'budget') : waiting.for;
  }

  /** Returns the part as it waits or stops; undefined when its wait is over, or when it has an intent and may not stop. */
  #told(known: Part, part: WaitingPart, decision: BudgetDecision): Part | undefined {
    if (known.phase !== 'waiting' && known.phase !== 'requeued') return undefined;
    if (known.waiting.since !== part.waiting.since || known.cancelRequestedAt !== undefined) return undefined;
    if (decision.may !== 'stop')
      return { ...known, waiting: { ...known.waiting, for: this.#reasonFor(part, decision) } };
    if (known.phase !== 'waiting' || known.intent) return undefined;
    const { code, message } = decision.reason;
    this.#deps.log.error(code, { jobId: part.jobId, part: part.number, reason: message });
    const { intent: _, ...rest } = without(known, 'waiting', 'slice');
    return { ...rest, phase: 'stalled', stalled: decision.reason };
  }
}

/** Returns the spending with capacity for more charges: the oldest that are settled are no longer listed. */
function withCapacity(spending: Spending): Spending {
  const settled = spending.charges.filter((charge) => charge.settled !== undefined);
  const tooMany: Charge[] = settled.slice(0, Math.max(0, spending.charges.length - MAX_CHARGES / 2));
  return tooMany.reduce(withoutCharge, spending);
}
