import type { LeftOut } from './faults/fault-book.ts';
import { type HistoryReport, playHistory } from './world/history.ts';
import type { Scenario } from './world/world.ts';

/** What remains of a shrunk history: the user actions that are left out, and the only faults that occur. */
export type Shrunk = Required<Pick<LeftOut, 'actions' | 'allFaultsBut'>>;

const LONGEST_MS = 180_000; // a history that does not come to rest takes half a minute each time

/**
 * Removes from a broken history whatever does not matter for the broken promise: first user actions, then faults, in
 * smaller and smaller groups, until no single one can be removed, or for three minutes.
 */
export async function shrink(seed: number, scenario: Scenario): Promise<Shrunk> {
  const until = performance.now() + LONGEST_MS;
  const whole = await playHistory(seed, {}, scenario);
  const sort = sortOf(whole);
  const stillBroken = async (left: Shrunk) =>
    performance.now() < until && sortOf(await playHistory(seed, left, scenario)) === sort;
  let best: Shrunk = { actions: [], allFaultsBut: [...new Set(whole.world.faults.occurred)] };
  for (let size = best.allFaultsBut.length; size >= 1; ) {
    const before = best;
    for (let action = whole.users.actions - 1; action >= 0; action -= 1) {
      const less = { ...best, actions: [...best.actions, action] };
      if (!best.actions.includes(action) && (await stillBroken(less))) best = less;
    }
    best = await withoutGroups(best, size, stillBroken);
    if (best === before && size === 1) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return best;
}

async function withoutGroups(
  start: Shrunk,
  size: number,
  stillBroken: (left: Shrunk) => Promise<boolean>,
): Promise<Shrunk> {
  let best = start;
  for (let from = start.allFaultsBut.length - size; from > -size; from -= size) {
    const group = new Set(start.allFaultsBut.slice(Math.max(0, from), from + size));
    const less = { ...best, allFaultsBut: best.allFaultsBut.filter((fault) => !group.has(fault)) };
    if (less.allFaultsBut.length < best.allFaultsBut.length && (await stillBroken(less))) best = less;
  }
  return best;
}

/** Returns the broken promise without ids and numbers. A smaller history must break the same one. */
function sortOf({ broken }: HistoryReport): string | undefined {
  return broken[0]?.replace(/[a-z2-7]{26}/g, '…').replace(/\d+/g, 'N');
}
