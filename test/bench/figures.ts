import { availableParallelism, cpus, loadavg } from 'node:os';
import type { Measured } from './in-child.ts';

/** One line of the table: two variants, measured alternately in the same run. */
export interface Figure {
  what: string;
  ours: string;
  against: string;
  /** For example, how many times as fast as the other variant; the median of the turns. */
  ratio: string;
  goal: string;
  /** False if the goal was missed or nothing was measured. */
  good: boolean;
  notes: string;
}

/** A goal for a ratio. */
export interface Goal {
  text: string;
  isMet(ratio: number): boolean;
}

export const atLeast = (least: number, unit = '×'): Goal => ({
  text: `≥ ${least}${unit}`,
  isMet: (ratio) => ratio >= least,
});
export const atMost = (most: number, unit = '×'): Goal => ({
  text: `≤ ${most}${unit}`,
  isMet: (ratio) => ratio <= most,
});

/** Runs the variants in turns, so that other load on the machine affects them equally. */
export async function inTurns<Name extends string>(
  turns: number,
  variants: Record<Name, () => Promise<Measured>>,
): Promise<Record<Name, Measured[]>> {
  const names = Object.keys(variants) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Measured[]>;
  for (let deadline = 0; deadline < turns; deadline += 1) {
    for (const name of names) results[name].push(await variants[name]());
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('the median of nothing');
  return middle;
}

/** Returns the median of the turns' ratios. */
export function medianRatio(
  over: readonly Measured[],
  under: readonly Measured[],
  of: (measured: Measured) => number = ({ ms }) => ms,
): number {
  return median(over.map((measured, deadline) => of(measured) / of(under[deadline] ?? measured)));
}

export const medianOf = (measured: readonly Measured[], of: (one: Measured) => number): number =>
  median(measured.map(of));

export function notMeasured(what: string, why: string): Figure {
  return { what, ours: '–', against: '–', ratio: 'not measured', goal: '', good: false, notes: why };
}

/** Returns the table in Markdown, for docs/performance.md. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, ours, against, ratio, goal, good, notes }) => [
    what,
    ours,
    against,
    goal !== '' && !good ? `${ratio} (missed)` : ratio,
    goal,
    notes,
  ]);
  return [
    ['what', 'Batchdrop', 'baseline', 'ratio', 'goal', 'notes'],
    ['---', '---', '---', '---', '---', '---'],
    ...rows,
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

export function machine(): string {
  const cpu = cpus()[0]?.model ?? 'unknown CPU';
  const load = loadavg()[0]?.toFixed(1);
  return `${availableParallelism()} cores of ${cpu}, node ${process.version}, load ${load}`;
}
