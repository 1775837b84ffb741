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
  for (let from = 0; from < witnesses.length; from = 2 * from + 1) {
    // Most mutants are found by the first tests, and files that run together take less time: one, two, four, eight of them.
    const together = witnesses.slice(from, 2 * from + 1);
    const failure = await failureOf(together, runner);
    if (failure === undefined) continue;
    // A test may need those before it: only whole files tell.
    const whole = together.map((witness) => ({ ...witness, tests: [] }));
    const isWhole = together.every(({ tests }) => tests.length === 0);
    const confirmed = isWhole ? failure : await failureOf(whole, runner);
    if (confirmed !== undefined) return confirmed;
  }
  return undefined;
}

async function failureOf(witnesses: readonly TestWitness[], runner: TestRunner): Promise<string | undefined> {
  const files = witnesses.map(({ file, tests }) => ({ file, tests }));
  const usualMs = witnesses.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const limitMs = LIMIT_MS + LIMIT_TIMES * usualMs;
  let report = await runner.run(files, limitMs);
  if (report === 'died') report = await runner.run(files, limitMs); // twice is no accident
  const names = files.map(({ file }) => file).join(', ');
  if (typeof report === 'string') return `${names}, which ${report}`;
  if (report.failed !== undefined) return `${report.failed.file}: ${report.failed.what}`;
  const chosen = files.reduce((sum, { tests }) => sum + tests.length, 0);
  if (report.tests.length < chosen || report.tests.length < files.length)
    throw new Error(`${names}: ${report.tests.length} tests ran of ${chosen || 'all'}`);
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
