import { expect, test } from 'vitest';
import { playMany, weaknesses } from './tally.ts';

const HISTORIES = 240;
const FIRST_SEED = 2001; // these histories have every kind of fault often enough
const FIRED_AT_LEAST = 5;

test(`in ${HISTORIES} histories with faults, nothing is paid twice, lost, or published out of order`, {
  timeout: 600_000,
}, async () => {
  const tally = await playMany(FIRST_SEED, HISTORIES);
  expect(tally.broken, 'npm run simulate -- --replay SEED prints the steps').toEqual([]);
  expect(tally.histories).toBe(HISTORIES);
  expect(weaknesses(tally, FIRED_AT_LEAST)).toEqual([]);
});
