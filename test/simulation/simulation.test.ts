import { expect, test } from 'vitest';
import { playHistory } from './history.ts';

const HISTORIES = 200;
const FAULTS = [
  'failBefore',
  'failAfter',
  'die before',
  'die after',
  'slow',
  'backpressure',
  'lateCreate',
  'refused entry',
];

test('over 200 histories of faults nothing is paid twice, lost, or told backwards', {
  timeout: 300_000,
}, async () => {
  const fired = new Map<string, number>();
  let creates = 0;
  for (let seed = 1; seed <= HISTORIES; seed += 1) {
    const report = await playHistory(seed);
    expect(report.broken, `seed ${seed}:\n${report.trace.slice(-60).join('\n')}`).toEqual([]);
    for (const [fault, times] of report.fired) fired.set(fault, (fired.get(fault) ?? 0) + times);
    creates += report.creates;
  }
  expect(creates).toBeGreaterThan(HISTORIES / 2);
  for (const fault of FAULTS) expect(fired.get(fault) ?? 0, `${fault} fired`).toBeGreaterThanOrEqual(5);
});
