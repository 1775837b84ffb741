import type { LeftOut } from './fault-book.ts';
import { FAULT_KINDS } from './fault-kinds.ts';
import { type HistoryReport, playHistory } from './history.ts';

const MOST_DEEDS = 20;

/**
 * Leaves out of a broken history all that it can be broken without: kinds of fault, deeds of users, then single
 * faults, in ever smaller groups. Answers what is to be left out.
 */
export async function shrink(seed: number): Promise<Required<LeftOut>> {
  const sort = sortOf(await playHistory(seed));
  let out: Required<LeftOut> = { kinds: [], faults: [], deeds: [] };
  const stillBroken = async (more: Required<LeftOut>) => sortOf(await playHistory(seed, more)) === sort;
  for (const kind of FAULT_KINDS) {
    const more = { ...out, kinds: [...out.kinds, kind] };
    if (await stillBroken(more)) out = more;
  }
  for (let deed = MOST_DEEDS; deed >= 0; deed -= 1) {
    const more = { ...out, deeds: [...out.deeds, deed] };
    if (await stillBroken(more)) out = more;
  }
  const { struck } = (await playHistory(seed, out)).world.faults;
  for (let size = Math.ceil(struck.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < struck.length; from += size) {
      const group = struck.slice(from, from + size).filter((fault) => !out.faults.includes(fault));
      const more = { ...out, faults: [...out.faults, ...group] };
      if (group.length > 0 && (await stillBroken(more))) out = more;
    }
  }
  return withoutNeedless(seed, out);
}

/** What is left out and would not be there anyway is not worth naming. */
async function withoutNeedless(seed: number, out: Required<LeftOut>): Promise<Required<LeftOut>> {
  const whole = await playHistory(seed);
  const kinds = out.kinds.filter((kind) => whole.fired.has(kind));
  const deeds = out.deeds.filter((deed) => deed < whole.users.deeds);
  return { kinds, deeds, faults: out.faults };
}

/** The promise that is broken, without ids and numbers: a smaller history has to break the same. */
function sortOf({ broken }: HistoryReport): string | undefined {
  return broken[0]?.replace(/[a-z2-7]{26}/g, '…').replace(/\d+/g, 'N');
}
