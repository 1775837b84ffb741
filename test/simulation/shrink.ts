import type { LeftOut } from './faults/fault-book.ts';
import { type HistoryReport, playHistory } from './world/history.ts';

/** What is left of a shrunk history: deeds of users left out, and the only faults that strike. */
export type Shrunk = Required<Pick<LeftOut, 'deeds' | 'allFaultsBut'>>;

/**
 * Leaves out of a broken history all that it is broken without: deeds of users, then faults, in ever smaller groups,
 * until no single one can go.
 */
export async function shrink(seed: number): Promise<Shrunk> {
  const whole = await playHistory(seed);
  const sort = sortOf(whole);
  const stillBroken = async (left: Shrunk) => sortOf(await playHistory(seed, left)) === sort;
  let best: Shrunk = { deeds: [], allFaultsBut: [...new Set(whole.world.faults.struck)] };
  for (let size = best.allFaultsBut.length; size >= 1; ) {
    const before = best;
    for (let deed = whole.users.deeds - 1; deed >= 0; deed -= 1) {
      const less = { ...best, deeds: [...best.deeds, deed] };
      if (!best.deeds.includes(deed) && (await stillBroken(less))) best = less;
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

/** The promise that is broken, without ids and numbers: a smaller history has to break the same. */
function sortOf({ broken }: HistoryReport): string | undefined {
  return broken[0]?.replace(/[a-z2-7]{26}/g, '…').replace(/\d+/g, 'N');
}
