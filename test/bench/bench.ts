/**
 * What Batchdrop costs, measured against what one would otherwise use: `npm run bench`. It prints one table of ratios for
 * docs/performance.md; each is the median of five turns at least, the two things measured in turns. It takes about a
 * quarter of an hour and 3 GB of disk. A figure that is missing or misses its goal fails it; `npm run bench -- --quick`
 * takes a minute, one turn of small sizes, and fails for neither. `--only deliver` measures one part of it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkFigures } from './check-figures.ts';
import { deliverFigures } from './deliver-figures.ts';
import { type Figure, machine, notMeasured, tableOf } from './figures.ts';
import { endToEndFigures } from './runtime/end-to-end-figures.ts';
import { startFigures } from './start/start-figures.ts';
import { tickFigures } from './tick-figures.ts';
import { uploadFigures } from './upload-figures.ts';

const quick = process.argv.includes('--quick');
/** `--only deliver`: the parts whose name contains it. */
const only = /--only[= ](\w+)/.exec(process.argv.join(' '))?.[1] ?? '';
const turns = quick ? 1 : 5;
const PARTS = {
  checkFigures,
  uploadFigures,
  deliverFigures,
  tickFigures,
  startFigures,
  endToEndFigures,
};

const directory = mkdtempSync(join(tmpdir(), 'batchdrop-bench-'));
const figures: Figure[] = [];
console.log(`${machine()}\n`);
try {
  for (const [name, measure] of Object.entries(PARTS).filter(([part]) => part.includes(only))) {
    try {
      figures.push(...(await measure(directory, turns, quick)));
    } catch (failure) {
      console.error(failure);
      figures.push(notMeasured(name, failure instanceof Error ? failure.message : String(failure)));
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(tableOf(figures));
console.log(`\n${machine()}${quick ? '; one turn of small sizes: no figures to keep' : ''}`);
if (!quick && !figures.every(({ good }) => good)) process.exitCode = 1;
