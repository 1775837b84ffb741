/**
 * npm run simulate:mutants [-- --runs N] [--only TEXT]: plants each defect in a copy of the source, and counts the
 * histories until the simulation finds it. With the unchanged source, that seed keeps every promise. Prints the table
 * for docs/reliability.md.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutants/mutants.ts';
import { mutated, mutatedCopy } from './mutants/mutated-copy.ts';
import type { Tally } from './tally.ts';
import { playHistory } from './world/history.ts';

const AT_ONCE = 2;
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '2000' }, only: { type: 'string', default: '' } },
});

/** Plays histories of the mutant until one breaks a promise. */
function hunt(mutant: Mutant): Promise<Tally> {
  const copy = mutatedCopy(mutant);
  const args = [join(copy.directory, 'test/simulation/simulate.ts'), '--until-broken', '--runs', values.runs];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      copy.remove();
      if (code === 0) resolve(JSON.parse(output) as Tally);
      else reject(new Error(`${mutant.name}: the simulation ended with ${code}`));
    });
  });
}

for (const mutant of MUTANTS) mutated(mutant); // every anchor must exist before any history is played
const waiting = MUTANTS.filter(({ name }) => name.includes(values.only));
const rows = new Map<string, string>();
let missed = 0;

async function huntOneByOne(): Promise<void> {
  for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
    const { histories, broken } = await hunt(mutant);
    const [first] = broken;
    const clean = first !== undefined && (await playHistory(first.seed)).broken.length === 0;
    if (!clean) missed += 1;
    const what = first?.broken[0]?.replace(/[a-z2-7]{26}/g, '…') ?? `not found in ${histories}`;
    const verdict = clean || !first ? what : `seed ${first.seed} is also broken without the defect: ${what}`;
    rows.set(mutant.name, `| ${mutant.name} | ${first ? histories : '–'} | ${verdict} |`);
    console.error(rows.get(mutant.name));
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, huntOneByOne));
console.log('| planted defect | histories until found | violation |\n| --- | --- | --- |');
for (const { name } of MUTANTS) if (rows.has(name)) console.log(rows.get(name));
process.exitCode = missed === 0 && rows.size > 0 ? 0 : 1;
