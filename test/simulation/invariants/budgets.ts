import { type Amount, decimalOf } from '../../../functions/shared/domain/money/amount.ts';
import type { SpendLimits } from '../../../functions/shared/domain/money/budget.ts';
import { NO_TOKENS } from '../../../functions/shared/domain/money/token-counts.ts';
import { amount, type EverCharged, keyOf, ofSeconds, periodOf } from '../world/spending-watch.ts';
import { PRICES, type World } from '../world/world.ts';
import type { Finding } from './finding.ts';

/** What a row that ran is billed for (`test/fakes/simulated-batch.ts`). */
const ROW = { input: 10, output: 5 };

/** At each admission: what was settled, what is reserved and the high estimate are within the budget. */
export function neverPastTheWall({ spending }: World): Finding {
  return {
    promise: 'nothing is admitted past the budget',
    examined: spending.checked,
    broken: spending.broken,
  };
}

/** What was billed in a period is within its budget, but for what single attempts cost above their high estimates. */
export function spentWithinBudget(world: World): Finding {
  const { budget } = world.limits;
  const promise = 'what is billed is within the budget';
  const broken: string[] = [];
  let examined = 0;
  if (!budget) return { promise, examined, broken };
  const all = [...billedAttempts(world)].filter(({ of }) => !of.isApproved);
  const check = (limits: SpendLimits, ofPurse: readonly BilledAttempt[]) => {
    for (const period of ['day', 'month'] as const) {
      const limit = limits[period];
      if (limit === undefined) continue;
      for (const [when, ofPeriod] of Map.groupBy(ofPurse, ({ of }) => periodOf(of.charge, period))) {
        examined += 1;
        const within = sum(ofPeriod.map(({ of, cost }) => least(cost, amount(of.charge.high))));
        if (within > limit) broken.push(`${decimalOf(within)} in ${when}, of ${decimalOf(limit)}`);
      }
    }
  };
  check(budget.all, all);
  for (const [group, ofGroup] of Map.groupBy(all, ({ of }) => of.charge.group))
    check(Object.hasOwn(budget.each, group) ? (budget.each[group] ?? {}) : budget.others, ofGroup);
  return { promise, examined, broken };
}

/** Each attempt is settled once, with what it did cost; and the sums are those of the charges. */
export function settledOnce(world: World): Finding {
  const promise = 'each attempt is settled once, with its cost';
  const broken: string[] = [];
  const { spending } = world;
  const { lost, forgotten, duplicated, lateForDays } = world.faultyApi;
  const odd = new Set([...forgotten, ...duplicated.keys(), ...duplicated.values(), ...lateForDays]);
  let examined = 0;
  broken.push(...uncharged(world));
  for (const { batchId, outputFileId, of, cost } of billedAttempts(world)) {
    if (odd.has(batchId) || lost.has(outputFileId ?? '')) continue;
    examined += 1;
    const { settled } = of.charge;
    if (of.isGone && settled === undefined) continue; // its cost is in the sum
    if (settled !== undefined && amount(settled) === cost) continue;
    broken.push(`${batchId} did cost ${decimalOf(cost)}, and ${settled ?? 'nothing'} is settled`);
  }
  const known = spending.last?.spending;
  if (!known) return { promise, examined, broken };
  const listed = sum(known.charges.filter((charge) => periodOf(charge, 'month') === known.month).map(total));
  const inItem = sum(Object.values(known.spentInMonth).map(amount)) + listed;
  const ofMonth = [...spending.all.values()].filter(
    ({ charge }) => periodOf(charge, 'month') === known.month,
  );
  const costs = new Map([...billedAttempts(world)].map(({ of, cost }) => [of, cost]));
  const expected = sum(
    ofMonth.map((one) => {
      const isSeen = !one.isGone || one.charge.settled !== undefined;
      return isSeen ? total(one.charge) : (costs.get(one) ?? 0n) + ofSeconds(one.charge);
    }),
  );
  if (inItem !== expected)
    broken.push(
      `${decimalOf(inItem)} were spent in ${known.month}, and the charges are ${decimalOf(expected)}`,
    );
  return { promise, examined, broken };
}

/** What runs is stopped only where that was asked for, by nobody's approval, and when its purse was used up. */
export function stoppedByItsBudget({ limits, log, spending, written }: World): Finding {
  const stops = log.lines.filter(({ code }) => code === 'stopped_at_budget');
  const broken: string[] = [];
  for (const { facts } of stops) {
    const isRight = [...written.cancelledAs.values()].some(
      ({ approvedAt, admission, ...part }) =>
        part.jobId === facts.jobId &&
        part.number === facts.part &&
        approvedAt === undefined &&
        spending.mayStop.has(keyOf({ ...part, at: admission?.at })),
    );
    if (!limits.budget?.stopsRunning || !isRight)
      broken.push(`part ${facts.part} of ${facts.jobId} was stopped, and its budget was not used up`);
  }
  return { promise: 'only what a used-up budget pays for is stopped', examined: stops.length, broken };
}

/** Every batch was charged before it could begin. */
function uncharged(world: World): string[] {
  if (!world.limits.budget) return [];
  return world.ledger
    .wholeParts()
    .flatMap((part) =>
      [...part.ran, { batch: part.batch, admission: part.admission }].map((one) => ({ ...one, part })),
    )
    .filter(
      ({ batch, admission, part }) => batch && !world.spending.all.has(keyOf({ ...part, at: admission?.at })),
    )
    .map(({ batch }) => `${batch?.batchId} was never charged`);
}

interface BilledAttempt {
  batchId: string;
  outputFileId: string | undefined;
  of: EverCharged;
  cost: Amount;
}

/** Every batch of an attempt that was charged, and what the API billed for it: the larger of what it did and what it says. */
function* billedAttempts(world: World): Generator<BilledAttempt> {
  const rows = Map.groupBy(world.api.audit().billed, ({ batchId }) => batchId);
  for (const part of world.ledger.wholeParts()) {
    const attempts = [...part.ran, ...(part.batch ? [{ batch: part.batch, admission: part.admission }] : [])];
    for (const { batch, admission } of attempts) {
      const of = world.spending.all.get(keyOf({ ...part, at: admission?.at }));
      if (!of) continue;
      const { batchId, outputFileId } = batch;
      const count = Math.max(rows.get(batchId)?.length ?? 0, (batch.usage?.inputTokens ?? 0) / ROW.input);
      const tokens = { ...NO_TOKENS, input: ROW.input * count, output: ROW.output * count };
      const cost =
        PRICES.at(part.jobCreatedAt).costOf({ model: part.model, rows: count, ...tokens })?.paid ?? 0n;
      yield { batchId, outputFileId, of, cost };
    }
  }
}

function total(charge: EverCharged['charge']): Amount {
  return amount(charge.settled ?? charge.high) + ofSeconds(charge);
}

function sum(amounts: readonly Amount[]): Amount {
  return amounts.reduce((all, one) => all + one, 0n);
}

function least(one: Amount, other: Amount): Amount {
  return one < other ? one : other;
}
