import { expect, test } from 'vitest';
import { seededRandom } from '../fakes/seeded-random.ts';
import { compareScans } from '../fuzz/compare-scans.ts';
import { FileMaker } from '../fuzz/mutated-files.ts';
import { STRINGS } from '../fuzz/nasty-json.ts';

// `npm run fuzz:scanner` does the same for any number of lines.
const FILES = 50;
const LINES = 100;
const PLACES = 140; // more than two blocks of 64 bytes

test('whatever the lines and wherever the chunks end, the scanner and JSON.parse agree', () => {
  const seen = { lines: 0, fast: 0, clean: 0 };
  for (let seed = 0; seed < FILES; seed += 1) {
    const { bytes, cuts } = new FileMaker(seededRandom(seed)).file(LINES);
    const { lines, fast, clean, differences } = compareScans(bytes, cuts);
    expect(differences, `seed ${seed}`).toEqual([]);
    seen.lines += lines;
    seen.fast += fast;
    seen.clean += clean;
  }
  expect(seen.lines).toBeGreaterThan(4_000);
  expect(seen.fast).toBeGreaterThan(0.1 * seen.lines);
  expect(seen.fast).toBeLessThan(0.5 * seen.lines);
  expect(seen.clean).toBeGreaterThan(0.5 * seen.lines);
});

test('each piece of a string, good or bad, is recognised at every position in the blocks that the scanner reads', () => {
  const seen = { lines: 0, clean: 0 };
  for (const piece of [...STRINGS.good, ...STRINGS.bad]) {
    const lines = Array.from(
      { length: PLACES },
      (_, place) => `{"a":"${'x'.repeat(place)}${piece}${'y'.repeat(place)}"}`,
    );
    const { differences, ...compared } = compareScans(Buffer.from(`${lines.join('\n')}\n`, 'latin1'), []);
    expect(differences, JSON.stringify(piece)).toEqual([]);
    expect([0, PLACES]).toContain(compared.clean / 2);
    seen.clean += compared.clean / 2;
    seen.lines += compared.lines;
  }
  expect(seen.clean).toBe(STRINGS.good.length * PLACES);
  expect(seen.lines).toBeGreaterThan((STRINGS.good.length + STRINGS.bad.length) * PLACES);
});
