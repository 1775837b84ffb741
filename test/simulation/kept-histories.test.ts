import { expect, test } from 'vitest';
import { playHistory } from './history.ts';
import { KEPT } from './kept-histories.ts';

test.each(KEPT)('$wrong (seed $seed)', async ({ seed, leftOut }) => {
  const { broken, world } = await playHistory(seed, leftOut);
  expect(broken).toEqual([]);
  expect(world.faults.struck.length).toBeGreaterThan(0); // it is still a history in which something goes wrong
});
