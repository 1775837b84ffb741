import type { OverviewAnswer } from '../../api.ts';

type Spent = OverviewAnswer['spending'][number];

export type Measure = 'cost' | 'tokens';

/** What was spent, by day and model, ready to be stacked. */
export interface StackedSpending {
  /** Every day from the first to the last, such as `2026-11-29`. */
  readonly days: readonly string[];
  /** The most expensive first. From the sixth on, all others are one. */
  readonly models: readonly { readonly name: string; readonly values: readonly number[] }[];
}

const FEWEST_DAYS = 14; // so that a single day is not as wide as the chart
const MOST_MODELS = 6;
const DAY_MS = 86_400_000;

export function stackSpending(spending: readonly Spent[], measure: Measure): StackedSpending {
  const days = daysOf(spending);
  const totals = new Map<string, number>();
  for (const spent of spending)
    totals.set(spent.model, (totals.get(spent.model) ?? 0) + heightOf(spent, measure));
  const ranked = [...totals].sort(([, one], [, other]) => other - one).map(([model]) => model);
  const named = ranked.length > MOST_MODELS ? ranked.slice(0, MOST_MODELS - 1) : ranked;
  const groups = named.map((name) => ({ name, holds: (model: string) => model === name }));
  if (named.length < ranked.length)
    groups.push({ name: 'other models', holds: (model) => !named.includes(model) });
  const models = groups.map(({ name, holds }) => ({
    name,
    values: days.map((day) =>
      sum(
        spending.filter((spent) => spent.day === day && holds(spent.model)),
        measure,
      ),
    ),
  }));
  return { days, models };
}

/** Returns the heights of the edges between the models, from the lowest model up. */
export function edges({ days, models }: StackedSpending): number[][] {
  const heights = days.map(() => 0);
  return models.map(({ values }) =>
    values.map((value, at) => {
      heights[at] = (heights[at] ?? 0) + value;
      return heights[at];
    }),
  );
}

/** The models of one currency only can be stacked. */
export function currencyOf(spending: readonly Spent[]): string {
  return spending[0]?.cost.currency ?? 'USD';
}

function sum(spending: readonly Spent[], measure: Measure): number {
  return spending.reduce((total, spent) => total + heightOf(spent, measure), 0);
}

/** A cost that is not known has no height. The table says so. */
function heightOf({ tokens, cost }: Spent, measure: Measure): number {
  return measure === 'tokens' ? tokens : (cost.amount ?? 0);
}

function daysOf(spending: readonly Spent[]): string[] {
  const known = spending.map(({ day }) => Date.parse(day));
  if (known.length === 0) return [];
  const last = Math.max(...known);
  const first = Math.min(last - (FEWEST_DAYS - 1) * DAY_MS, ...known);
  const count = Math.round((last - first) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, at) => new Date(first + at * DAY_MS).toISOString().slice(0, 10));
}
