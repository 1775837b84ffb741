import { expect, test } from 'vitest';
import { playWithSecondBatches } from './second-batches.ts';

const HISTORIES = 300; // in one of eleven there is a second batch: far more than are needed
const SECOND_BATCHES = 12;

test('a batch that is listed only after the settling time is found, cancelled and reported, and raises the alarm', {
  timeout: 300_000,
}, async () => {
  let seconds = 0;
  for (let seed = 1; seed <= HISTORIES && seconds < SECOND_BATCHES; seed += 1) {
    const { found, broken } = await playWithSecondBatches(seed);
    seconds += found;
    expect(broken, `seed ${seed}`).toEqual([]);
  }
  expect(seconds).toBeGreaterThanOrEqual(SECOND_BATCHES);
});
