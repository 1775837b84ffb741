import { FAULT_KINDS, type FaultKind } from './faults/fault-kinds.ts';
import { type HistoryReport, outcomeText, playHistory } from './world/history.ts';

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
const TRIES_PER_KIND = 20; // histories replayed without a kind of fault, to find one whose outcome it changes

/** Plays the histories of consecutive seeds. With `untilBroken`, stops at the first broken one. */
export async function playMany(
  first: number,
  histories: number,
  options: { untilBroken?: boolean; onHistory?: (report: HistoryReport) => void } = {},
): Promise<Tally> {
  const tally: Tally = { histories: 0, steps: 0, fired: {}, changed: [], examined: {}, broken: [] };
  const shortest = new Map<FaultKind, Replayable[]>();
  for (let seed = first; seed < first + histories; seed += 1) {
    const report = await playHistory(seed);
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
    if (!options.untilBroken) keepIfShort(shortest, seed, report);
  }
  for (const [kind, replayable] of shortest)
    if (await changesOneOf(kind, replayable)) tally.changed.push(kind);
  return tally;
}

/**
 * Keeps the shortest histories in which each kind of fault occurred, because a long one costs thirty times as much to
 * replay.
 */
function keepIfShort(shortest: Map<FaultKind, Replayable[]>, seed: number, report: HistoryReport): void {
  const { steps } = report;
  let outcome: string | undefined;
  for (const kind of report.fired.keys()) {
    const kept = shortest.get(kind) ?? [];
    if (kept.length === TRIES_PER_KIND && (kept.at(-1)?.steps ?? 0) <= steps) continue;
    outcome ??= outcomeText(report);
    const sorted = [...kept, { seed, steps, outcome }].sort((a, b) => a.steps - b.steps);
    shortest.set(kind, sorted.slice(0, TRIES_PER_KIND));
  }
}

/** Returns whether one of the histories has another outcome without this kind of fault. */
async function changesOneOf(kind: FaultKind, replayable: readonly Replayable[]): Promise<boolean> {
  for (const { seed, outcome } of replayable)
    if (outcomeText(await playHistory(seed, { kinds: [kind] })) !== outcome) return true;
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
