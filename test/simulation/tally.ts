import { FAULT_KINDS, type FaultKind } from './faults/fault-kinds.ts';
import type { FaultTheme } from './faults/fault-themes.ts';
import { type HistoryReport, outcomeText, playHistory, scenarioOf } from './world/history.ts';

/** The sums over many histories. It is plain data, so that processes can exchange it. */
export interface Tally {
  histories: number;
  steps: number;
  fired: Partial<Record<FaultKind, number>>;
  /** Kinds of fault that are known to have changed an outcome. */
  changed: FaultKind[];
  examined: Record<string, number>;
  broken: { seed: number; broken: string[] }[];
}

/** A history that can be replayed without a kind of fault. */
interface Replayable {
  seed: number;
  steps: number;
  outcome: string;
}

const MAX_BROKEN_KEPT = 20;
// Histories that are replayed without a kind of fault, to find one whose outcome it changes.
const SHORTEST_PER_KIND = 20;
const FIRST_PER_KIND = 10;

/** Plays the histories of consecutive seeds. With `untilBroken`, stops at the first broken one. */
export async function playMany(
  first: number,
  histories: number,
  options: {
    untilBroken?: boolean;
    theme?: FaultTheme | undefined;
    onHistory?: (report: HistoryReport) => void;
  } = {},
): Promise<Tally> {
  const tally: Tally = { histories: 0, steps: 0, fired: {}, changed: [], examined: {}, broken: [] };
  const kept = new ReplayableHistories();
  for (let seed = first; seed < first + histories; seed += 1) {
    const report = await playHistory(seed, {}, scenarioOf(seed, options.theme));
    tally.histories += 1;
    tally.steps += report.steps;
    for (const [kind, times] of report.fired) tally.fired[kind] = (tally.fired[kind] ?? 0) + times;
    for (const [promise, count] of report.examined)
      tally.examined[promise] = (tally.examined[promise] ?? 0) + count;
    options.onHistory?.(report);
    if (report.broken.length > 0) {
      if (tally.broken.length < MAX_BROKEN_KEPT) tally.broken.push({ seed, broken: report.broken });
      if (options.untilBroken) return tally;
    }
    if (!options.untilBroken) kept.add(seed, report);
  }
  for (const [kind, replayable] of kept.byKind())
    if (await changesOneOf(kind, replayable, options.theme)) tally.changed.push(kind);
  return tally;
}

/**
 * Some histories in which each kind of fault occurred: the shortest, because a long one costs thirty times as much to
 * replay, and the first, because too little happens in the shortest of thousands for some kinds to matter.
 */
class ReplayableHistories {
  readonly #shortest = new Map<FaultKind, Replayable[]>();
  readonly #first = new Map<FaultKind, Replayable[]>();

  add(seed: number, report: HistoryReport): void {
    const { steps } = report;
    let history: Replayable | undefined;
    for (const kind of report.fired.keys()) {
      const first = this.#first.get(kind) ?? [];
      const shortest = this.#shortest.get(kind) ?? [];
      const isShort = shortest.length < SHORTEST_PER_KIND || steps < (shortest.at(-1)?.steps ?? 0);
      if (first.length === FIRST_PER_KIND && !isShort) continue;
      history ??= { seed, steps, outcome: outcomeText(report) };
      if (first.length < FIRST_PER_KIND) this.#first.set(kind, [...first, history]);
      if (!isShort) continue;
      const sorted = [...shortest, history].sort((a, b) => a.steps - b.steps);
      this.#shortest.set(kind, sorted.slice(0, SHORTEST_PER_KIND));
    }
  }

  /** Returns them by kind of fault, in the order in which to try them. */
  byKind(): [FaultKind, Replayable[]][] {
    return [...this.#shortest].map(([kind, shortest]) => [
      kind,
      [...new Set([...shortest, ...(this.#first.get(kind) ?? [])])],
    ]);
  }
}

/** Returns whether one of the histories has another outcome without this kind of fault. */
async function changesOneOf(
  kind: FaultKind,
  replayable: readonly Replayable[],
  theme: FaultTheme | undefined,
): Promise<boolean> {
  for (const { seed, outcome } of replayable) {
    const without = await playHistory(seed, { kinds: [kind] }, scenarioOf(seed, theme));
    if (outcomeText(without) !== outcome) return true;
  }
  return false;
}

/** Adds up the tallies of several processes. */
export function sumOf(tallies: readonly Tally[]): Tally {
  const sum: Tally = { histories: 0, steps: 0, fired: {}, changed: [], examined: {}, broken: [] };
  for (const { histories, steps, fired, changed, examined, broken } of tallies) {
    sum.histories += histories;
    sum.steps += steps;
    for (const kind of FAULT_KINDS) sum.fired[kind] = (sum.fired[kind] ?? 0) + (fired[kind] ?? 0);
    sum.changed = [...new Set([...sum.changed, ...changed])];
    for (const [promise, count] of Object.entries(examined))
      sum.examined[promise] = (sum.examined[promise] ?? 0) + count;
    sum.broken.push(...broken);
  }
  return sum;
}

/**
 * Returns why a run proves little although no history broke: a fault that never occurred, or a promise that was never
 * examined.
 */
export function weaknesses(tally: Tally, firedAtLeast: number): string[] {
  const weak: string[] = [];
  for (const kind of FAULT_KINDS) {
    const times = tally.fired[kind] ?? 0;
    if (times < firedAtLeast)
      weak.push(`"${kind}" occurred ${times} times; at least ${firedAtLeast} are required`);
    if (!tally.changed.includes(kind)) weak.push(`"${kind}" changed no outcome`);
  }
  const promises = Object.entries(tally.examined);
  if (promises.length === 0) weak.push('no promise was examined');
  for (const [promise, count] of promises)
    if (count === 0) weak.push(`nothing was examined for "${promise}"`);
  return weak;
}
