import { globSync } from 'node:fs';
import type { History } from './history-process.ts';
import { playIn } from './history-runner.ts';
import type { Mutant } from './mutants.ts';
import { withProbes } from './probes.ts';
import type { TestReport } from './test-process.ts';
import { TestRunner } from './test-runner.ts';
import type { Tree } from './tree.ts';

/** Tests of one file in which a mutant can show; `tests` is empty when the whole file is to run. */
export interface TestWitness {
  file: string;
  tests: string[];
  /** Of the whole file, without a mutant. */
  milliseconds: number;
  /** How much time it takes for the chance that it gives. */
  cost: number;
}

/** What has to be run for a mutant: what is left out takes the same course with it as without it. */
export interface Witnesses {
  unit: TestWitness[];
  kept: TestWitness[];
  histories: History[];
  fakes: TestWitness[];
}

const STAGES = {
  unit: ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts'],
  kept: ['test/simulation/kept/kept-histories.test.ts'],
  fakes: ['test/contracts/fakes.test.ts'],
} as const;
/** Runs the source in processes of their own, where no probe is answered, and measures their memory. */
const LEFT_OUT = ['test/unit/scanner/scanner-module.test.ts'];
const FILE_MS = 250; // what a file takes besides its tests
const WORTH_A_CHOICE_MS = 1000; // of tests that need not run
const LIMIT_MS = 1_800_000;

/** Runs everything once over sources with probes. Throws when something fails without any mutant. */
export async function witnessesOf(
  mutants: readonly Mutant[],
  tree: Tree,
  histories: readonly History[],
): Promise<Witnesses[]> {
  const numbered = mutants.map((mutant, id) => ({ ...mutant, id }));
  for (const [file, ofFile] of Map.groupBy(numbered, (mutant) => mutant.file))
    tree.write(file, withProbes(tree.original(file), ofFile));
  const all = mutants.map((): Witnesses => ({ unit: [], kept: [], histories: [], fakes: [] }));
  const runner = new TestRunner(tree.directory, 'apart');
  for (const stage of ['unit', 'kept', 'fakes'] as const)
    for (const file of globSync([...STAGES[stage]], { cwd: tree.directory, exclude: LEFT_OUT })) {
      const report = await runner.run([{ file, tests: [] }], LIMIT_MS);
      if (typeof report === 'string') throw new Error(`${file} without a mutant: ${report}`);
      if (report.failed !== undefined || report.tests.length === 0)
        throw new Error(`${file} does not pass without a mutant: ${report.failed?.what ?? 'no test ran'}`);
      for (const [id, witnesses] of all.entries()) witnesses[stage].push(...testWitness(file, report, id));
    }
  runner.close();
  await addHistories(all, tree, histories);
  for (const { file } of mutants) tree.write(file, tree.original(file));
  for (const { unit } of all) unit.sort((a, b) => a.cost - b.cost);
  return all;
}

async function addHistories(
  all: readonly Witnesses[],
  tree: Tree,
  histories: readonly History[],
): Promise<void> {
  const { reports, ended } = await playIn(tree.directory, histories);
  const broken = reports.at(-1)?.broken;
  if (reports.length !== histories.length || broken !== undefined)
    throw new Error(`the simulation does not pass without a mutant: ${broken ?? ended}`);
  const shows = reports.map((report) => new Set(report.shows));
  for (const [id, witnesses] of all.entries())
    witnesses.histories = histories.filter((_, nth) => shows[nth]?.has(id));
}

/** The witness that a file is for a mutant, if it is one. */
function testWitness(file: string, { tests, shows, milliseconds }: TestReport, id: number): TestWitness[] {
  const shown = shows.includes(id) ? tests : tests.filter((test) => test.shows.includes(id));
  if (shown.length === 0) return [];
  const saved = sumOf(tests) - sumOf(shown);
  const isChoice = saved > WORTH_A_CHOICE_MS;
  const expected = isChoice ? milliseconds - saved : milliseconds;
  return [
    {
      file,
      tests: isChoice ? shown.map((test) => test.id) : [],
      milliseconds,
      cost: (FILE_MS + expected) / shown.length,
    },
  ];
}

function sumOf(tests: readonly { milliseconds: number }[]): number {
  return tests.reduce((sum, test) => sum + test.milliseconds, 0);
}
