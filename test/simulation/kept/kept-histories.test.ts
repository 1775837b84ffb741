import { describe, expect, test } from 'vitest';
import { playHistory, scenarioOf } from '../world/history.ts';
import { KEPT } from './kept-histories.ts';
import { brokenWithoutFix } from './without-fix.ts';

test('no history is kept twice', () => {
  expect(KEPT.length).toBeGreaterThan(0);
  expect(new Set(KEPT.map(({ wrong }) => wrong)).size).toBe(KEPT.length);
});

describe.each(KEPT)('$wrong (seed $seed)', (kept) => {
  test('every promise holds with the fix', async () => {
    const { broken } = await playHistory(kept.seed, kept.leftOut, scenarioOf(kept.seed, kept.theme));
    expect(broken).toEqual([]);
  });

  test('the promise is broken without the fix', async () => {
    const broken = await brokenWithoutFix(kept);
    expect(broken, 'npm run simulate:kept -- --find searches for a seed that proves it').toContainEqual(
      expect.stringContaining(kept.shows),
    );
  });
});
