/**
 * npm run mutate -- [--mutants N] [--seed S] [--histories N] [--at-least PERCENT] [--only FILE:LINE,…]: plants random
 * defects in the core, one at a time and in a copy, and counts those that the tests find: the unit and property tests, the
 * kept histories, the contract tests of the fakes, and so many histories of the simulation. --only plants those of the
 * chosen defects that are at these places, for example to try survivors again. Ends with 1 below --at-least, or broken
 * itself.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { History } from './history-process.ts';
import { killerOf } from './judge.ts';
import { chosen, type Mutant, mutantsOfCore, planted } from './mutants.ts';
import { TestRunner } from './test-runner.ts';
import { Tree } from './tree.ts';
import { witnessesOf } from './witnesses.ts';

const { values } = parseArgs({
  options: {
    mutants: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    histories: { type: 'string', default: '240' }, // as many as simulation.test.ts plays
    'at-least': { type: 'string', default: '0' },
    only: { type: 'string', multiple: true, default: [] },
  },
});

/** Those to plant. */
function wanted(root: string): Mutant[] {
  const mutants = chosen(mutantsOfCore(root), Number(values.mutants), Number(values.seed));
  const places = values.only.flatMap((list) => list.split(','));
  if (places.length === 0) return mutants;
  for (const place of places)
    if (!mutants.some((mutant) => placeOf(mutant) === place))
      throw new Error(`no chosen mutant is at ${place}`);
  return mutants.filter((mutant) => places.includes(placeOf(mutant)));
}

/** Those that survived. */
async function measure(mutants: readonly Mutant[], tree: Tree): Promise<Mutant[]> {
  const witnesses = await witnessesOf(mutants, tree, histories(Number(values.histories)));
  const runner = new TestRunner(tree.directory);
  const survivors: Mutant[] = [];
  for (const [nth, mutant] of mutants.entries()) {
    const ofMutant = witnesses[nth];
    if (ofMutant === undefined) throw new Error(`mutant ${nth} has no witnesses`);
    const killer = await killerOf(mutant, ofMutant, tree, runner);
    if (killer === undefined) survivors.push(mutant);
    const verdict = killer === undefined ? 'survived' : `killed by ${killer}`;
    console.log(`${nth + 1} ${nameOf(mutant)} ${verdict}`);
  }
  runner.close();
  return survivors;
}

/** Half of them have second batches, so as many as in second-batch.test.ts where there are 240. */
function histories(count: number): History[] {
  const seeds = Array.from({ length: count }, (_, nth) => nth + 1);
  return [
    ...seeds.map((seed): History => ({ kind: 'faults', seed })),
    ...seeds.slice(0, Math.ceil(count / 2)).map((seed): History => ({ kind: 'second batches', seed })),
  ];
}

function placeOf({ file, line }: Mutant): string {
  return `${file}:${line}`;
}

function nameOf(mutant: Mutant): string {
  return `${placeOf(mutant)} [${mutant.operator}]`;
}

/** The lines that the mutant changes, without it and with it. */
function difference(mutant: Mutant, source: string): string {
  const { start, end, replacement } = mutant;
  const from = source.lastIndexOf('\n', start - 1) + 1;
  const to = source.indexOf('\n', end);
  const before = source.slice(from, to);
  const after = planted(source, mutant).slice(from, to + replacement.length - (end - start));
  const lines = (sign: string, text: string) => text.split('\n').map((line) => `  ${sign} ${line.trim()}`);
  return [...lines('-', before), ...lines('+', after)].join('\n');
}

const tree = new Tree(fileURLToPath(new URL('../../', import.meta.url)));
try {
  const mutants = wanted(tree.directory);
  if (mutants.length === 0) throw new Error('there is no mutant to plant');
  const survivors = await measure(mutants, tree);
  console.log('\nSurvivors:');
  for (const mutant of survivors)
    console.log(`${nameOf(mutant)}\n${difference(mutant, tree.original(mutant.file))}`);
  const killed = mutants.length - survivors.length;
  const percent = (100 * killed) / mutants.length;
  console.log(
    `\n${killed} of ${mutants.length} random mutants killed (${percent.toFixed(1)} %), seed ${values.seed}`,
  );
  process.exitCode = percent >= Number(values['at-least']) ? 0 : 1;
} finally {
  tree.remove();
}
