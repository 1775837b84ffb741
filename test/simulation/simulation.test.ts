import { expect, test } from 'vitest';
import { FAULT_THEMES, faultThemeOf } from './faults/fault-themes.ts';
import { playMany, weaknesses } from './tally.ts';

const HISTORIES = 240;
const FIRST_SEED = 2001; // these histories have every kind of fault often enough
const FIRED_AT_LEAST = 5;
const OF_A_THEME = 20;

test(`in ${HISTORIES} histories with faults, nothing is paid twice, lost, or published out of order`, {
  timeout: 600_000,
}, async () => {
  const tally = await playMany(FIRST_SEED, HISTORIES);
  expect(tally.broken, 'npm run simulate -- --replay SEED prints the steps').toEqual([]);
  expect(tally.histories).toBe(HISTORIES);
  expect(weaknesses(tally, FIRED_AT_LEAST)).toEqual([]);
});

test.each(Object.keys(FAULT_THEMES))(
  `the same in ${OF_A_THEME} histories in which the faults of "%s" are frequent`,
  { timeout: 600_000 },
  async (name) => {
    const theme = faultThemeOf(name);
    const tally = await playMany(FIRST_SEED, OF_A_THEME, { theme });
    expect(tally.broken, `npm run simulate -- --theme ${name} --replay SEED prints the steps`).toEqual([]);
    expect(Object.keys(tally.fired).toSorted()).toEqual(Object.keys(FAULT_THEMES[theme]).toSorted());
  },
);
