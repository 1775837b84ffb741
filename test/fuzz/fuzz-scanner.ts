/**
 * npm run fuzz:scanner -- [--lines N] [--seed N]: compares the scanner with `JSON.parse` and `validateRow` for N
 * generated lines. It prints how many of them the scanner accepted by itself, and exits with 1 at the first difference.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../fakes/seeded-random.ts';
import { compareScans } from './compare-scans.ts';
import { FileMaker } from './mutated-files.ts';

const LINES_PER_FILE = 300;
Error.stackTraceLimit = 0; // most lines are refused with errors that nobody reads

const { values } = parseArgs({
  options: { lines: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const wanted = Number(values.lines);
const seen = { lines: 0, fast: 0, clean: 0, files: 0 };
const began = performance.now();
for (let seed = Number(values.seed); seen.lines < wanted; seed += 1) {
  const { bytes, cuts } = new FileMaker(seededRandom(seed)).file(LINES_PER_FILE);
  const { lines, fast, clean, differences } = compareScans(bytes, cuts);
  seen.lines += lines;
  seen.fast += fast;
  seen.clean += clean;
  seen.files += 1;
  if (differences.length > 0) {
    console.error(`seed ${seed}: ${differences.length} differences\n${differences.slice(0, 5).join('\n')}`);
    process.exitCode = 1;
    break;
  }
}
const share = (count: number) => `${((100 * count) / seen.lines).toFixed(0)} %`;
console.log(
  `${seen.lines} lines in ${seen.files} files, ${((performance.now() - began) / 1000).toFixed(0)} s: ` +
    `${share(seen.fast)} accepted as rows without parsing, ${share(seen.clean / 2)} clean`,
);
