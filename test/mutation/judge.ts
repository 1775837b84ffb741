import { playIn } from './history-runner.ts';
import { type Mutant, planted } from './mutants.ts';
import type { TestRunner } from './test-runner.ts';
import type { Tree } from './tree.ts';
import type { TestWitness, Witnesses } from './witnesses.ts';

/** A mutant's tests may take so much longer than without it until they count as hung. A busy machine is slow, too. */
const LIMIT_MS = 30_000;
const LIMIT_TIMES = 15;

/** Plants the mutant and runs what it can show in until something fails: says what did, or undefined if it survived. */
export async function killerOf(
  mutant: Mutant,
  witnesses: Witnesses,
  tree: Tree,
  runner: TestRunner,
): Promise<string | undefined> {
  tree.write(mutant.file, planted(tree.original(mutant.file), mutant));
  runner.changed(mutant.file);
  try {
    return (
      (await failureIn(witnesses.unit, runner)) ??
      (await failureIn(witnesses.kept, runner)) ??
      (await failureIn(witnesses.fakes, runner)) ??
      (await failureOfHistories(witnesses, tree))
    );
  } finally {
    tree.write(mutant.file, tree.original(mutant.file));
    runner.changed(mutant.file);
  }
}

async function failureIn(witnesses: readonly TestWitness[], runner: TestRunner): Promise<string | undefined> {
  for (const { file, tests, milliseconds } of witnesses) {
    let failure = await failureOf(file, tests, milliseconds, runner);
    // A test may need those before it: only the whole file tells.
    if (failure !== undefined && tests.length > 0) failure = await failureOf(file, [], milliseconds, runner);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function failureOf(
  file: string,
  tests: string[],
  milliseconds: number,
  runner: TestRunner,
): Promise<string | undefined> {
  const limitMs = LIMIT_MS + LIMIT_TIMES * milliseconds;
  let report = await runner.run(file, tests, limitMs);
  if (report === 'died') report = await runner.run(file, tests, limitMs); // twice is no accident
  if (typeof report === 'string') return `${file}, which ${report}`;
  if (report.failed !== undefined) return `${file}: ${report.failed}`;
  if (report.tests.length < tests.length || report.tests.length === 0)
    throw new Error(`${file}: ${report.tests.length} tests ran of ${tests.length || 'all'}`);
  return undefined;
}

async function failureOfHistories({ histories }: Witnesses, tree: Tree): Promise<string | undefined> {
  if (histories.length === 0) return undefined;
  let { reports, ended } = await playIn(tree.directory, histories);
  if (ended === 'died') ({ reports, ended } = await playIn(tree.directory, histories));
  const broken = reports.at(-1)?.broken;
  if (broken !== undefined) return `the simulation, ${broken}`;
  if (ended !== 'well') return `the simulation, which ${ended}`;
  if (reports.length < histories.length)
    throw new Error(`${reports.length} of ${histories.length} histories were played`);
  return undefined;
}
