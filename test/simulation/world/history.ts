import type { LeftOut } from '../faults/fault-book.ts';
import type { FaultKind } from '../faults/fault-kinds.ts';
import type { FaultTheme } from '../faults/fault-themes.ts';
import type { Finding } from '../invariants/finding.ts';
import { findings } from '../invariants/invariants.ts';
import { outcomeOf } from '../outcome.ts';
import { holdsOf } from './approver.ts';
import { MINUTE } from './invocation.ts';
import { tightnessOf } from './limits.ts';
import { Workload } from './workload.ts';
import { type Scenario, World } from './world.ts';

/** The result of a history. */
export interface HistoryReport {
  world: World;
  users: Workload;
  /** The broken promises. Empty if all hold. */
  broken: string[];
  /** How often each promise was examined. */
  examined: Map<string, number>;
  fired: ReadonlyMap<FaultKind, number>;
  steps: number;
}

const MAX_STEPS = 3_000_000; // while invocations are frozen, each waiting message asks again every 700 ms; half a minute
const LONG_FAULTS_SHARE = 0.12;

/** Returns the scenario of a seed. */
export function scenarioOf(seed: number, theme?: FaultTheme): Scenario {
  return { tightness: tightnessOf(seed), holds: holdsOf(seed), theme };
}

/** Plays one history. First users act and faults occur. Then only time passes, until nothing is due any more. */
export async function playHistory(
  seed: number,
  leftOut: LeftOut = {},
  scenario: Scenario = scenarioOf(seed),
): Promise<HistoryReport> {
  const world = new World(seed, leftOut, scenario);
  const users = new Workload(world, leftOut.actions);
  const { chance, timeline } = world;
  const longest = chance.of('long faults') < LONG_FAULTS_SHARE ? 30 * 60 * MINUTE : 90 * MINUTE;
  const faultsEnd = timeline.now() + chance.between('end of faults', 10 * MINUTE, longest);
  timeline.at(faultsEnd, () => endFaults(world, users));
  let steps = 0;
  while (steps < MAX_STEPS && (await timeline.next())) steps += 1;
  const found: Finding[] = findings(world, users);
  const broken = found.flatMap((finding) => finding.broken);
  if (!world.isQuiet()) broken.unshift('it never came to rest');
  return {
    world,
    users,
    broken,
    examined: new Map(found.map(({ promise, examined }) => [promise, examined])),
    fired: world.faults.fired,
    steps,
  };
}

/** Returns what can be seen from outside at the end. Histories that differ only internally have the same outcome. */
export function outcomeText({ world }: HistoryReport): string {
  return outcomeOf(world);
}

function endFaults(world: World, users: Workload): void {
  if (!users.areDone()) {
    world.timeline.at(world.timeline.now() + MINUTE, () => endFaults(world, users));
    return;
  }
  world.faults.over = true;
  world.operator.repair();
  world.troubles.repair();
  world.repairedAt = world.timeline.now();
  world.note('faults are over');
}
