/**
 * `node test/integration/intake/try-side-by-side.ts --tries 300`: uploads the same bytes under one key 2, 3, 10 and 50
 * times at once, in turn. Exits with 1 unless exactly one version ran in every try.
 *
 * It is slow but does not hang: 50 versions compete for one key pointer, so most of their compare-and-sets fail and are
 * repeated. That takes about 5,000 calls to the ledger, or 10 seconds of CPU, per try. 300 tries take about 20 minutes.
 */
import { parseArgs } from 'node:util';
import { SideBySide } from './side-by-side.ts';

const AT_ONCE = [2, 3, 10, 50];
const TOLD_EVERY = 20;

const { values } = parseArgs({ options: { tries: { type: 'string', default: '300' } } });
const tries = Number(values.tries);
if (!Number.isInteger(tries) || tries < 1) throw new Error(`--tries ${values.tries}: give a number of tries`);
const world = await SideBySide.open();
const begun = Date.now();
let right = 0;
for (let number = 0; number < tries; number += 1) {
  const versions = AT_ONCE[number % AT_ONCE.length] ?? 2;
  const { run, joined } = await world.try(versions);
  if (run === 1 && joined === versions - 1) right += 1;
  else console.log(`try ${number + 1}: of ${versions} versions ${run} ran and ${joined} joined`);
  if ((number + 1) % TOLD_EVERY === 0) console.log(`${number + 1} of ${tries} tries, ${seconds()} s`);
}
await world.close();
console.log(`${right} of ${tries} tries: one version ran, the others joined it (${seconds()} s)`);
if (right < tries) process.exitCode = 1;

function seconds(): number {
  return Math.round((Date.now() - begun) / 1000);
}
