import { expect, test } from 'vitest';
import { FAULT_KINDS, type FaultKind } from './fault-kinds.ts';
import { outcomeText, playHistory } from './history.ts';

const HISTORIES = 500;
const FIRED_AT_LEAST = 5;
const TRIED_PER_KIND = 12; // histories replayed without a kind of fault, to see whether it had changed anything

test('over 500 histories of faults nothing is paid twice, lost, or told backwards', {
  timeout: 600_000,
}, async () => {
  const fired = new Map<FaultKind, number>();
  const examined = new Map<string, number>();
  const heldBy = new Map<FaultKind, number[]>();
  for (let seed = 1; seed <= HISTORIES; seed += 1) {
    const report = await playHistory(seed);
    expect(report.broken, `npm run simulate -- --replay ${seed}`).toEqual([]);
    for (const [kind, times] of report.fired) {
      fired.set(kind, (fired.get(kind) ?? 0) + times);
      heldBy.set(kind, [...(heldBy.get(kind) ?? []), seed]);
    }
    for (const [promise, count] of report.examined)
      examined.set(promise, (examined.get(promise) ?? 0) + count);
  }
  for (const kind of FAULT_KINDS)
    expect(fired.get(kind) ?? 0, `${kind} fired`).toBeGreaterThanOrEqual(FIRED_AT_LEAST);
  for (const [promise, count] of examined) expect(count, `${promise}: looked at`).toBeGreaterThan(0);
  for (const kind of FAULT_KINDS)
    expect(await changedAnOutcome(kind, heldBy.get(kind) ?? []), `${kind} changed an outcome`).toBe(true);
});

/** Whether the world would have seen something else without the faults of one kind, in one of these histories. */
async function changedAnOutcome(kind: FaultKind, seeds: number[]): Promise<boolean> {
  for (const seed of seeds.slice(0, TRIED_PER_KIND)) {
    const without = await playHistory(seed, { kinds: [kind] });
    if (outcomeText(without) !== outcomeText(await playHistory(seed))) return true;
  }
  return false;
}
