import { expect, test } from 'vitest';
import { playWithSecondBatches } from './second-batches.ts';

const HISTORIES = 350;
const SECOND_BATCHES_AT_LEAST = 10;

test('a batch that shows later than the settling time is found, cancelled, reported and alarmed', {
  timeout: 300_000,
}, async () => {
  let seconds = 0;
  for (let seed = 1; seed <= HISTORIES; seed += 1) {
    const { found, broken } = await playWithSecondBatches(seed);
    seconds += found;
    expect(broken, `seed ${seed}`).toEqual([]);
  }
  expect(seconds).toBeGreaterThanOrEqual(SECOND_BATCHES_AT_LEAST);
});
