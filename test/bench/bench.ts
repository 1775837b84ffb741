/**
 * Compares Batchdrop with the usual alternatives: `npm run bench`. It prints one table of ratios for
 * docs/performance.md. Each ratio is the median of at least five turns, in which the two variants alternate. It takes
 * about ten minutes and 4 GB of disk. It fails if a figure is missing or misses its goal. `npm run bench -- --quick`
 * takes a minute, with one turn of small sizes, and never fails for these reasons. `--only deliver` measures one part.
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
/** `--only deliver` selects the parts whose name contains it. */
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

const figures: Figure[] = [];
console.log(`${machine()}\n`);
for (const [name, measure] of Object.entries(PARTS).filter(([part]) => part.includes(only))) {
  // Removed after each part, so that the next one finds the memory of the machine as it would alone.
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-bench-'));
  try {
    figures.push(...(await measure(directory, turns, quick)));
  } catch (failure) {
    console.error(failure);
    figures.push(notMeasured(name, failure instanceof Error ? failure.message : String(failure)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
console.log(tableOf(figures));
console.log(`\n${machine()}${quick ? '; one turn of small sizes: no figures to keep' : ''}`);
if (!quick && !figures.every(({ good }) => good)) process.exitCode = 1;
