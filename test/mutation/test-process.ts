/** Runs test files of the tree that it stands in, for test-runner.ts: a process of its own, which can be killed. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVitest, type TestCase, type TestModule } from 'vitest/node';

export interface Asked {
  file: string;
  /** Ids of the tests to run; all of them if there are none. */
  tests: string[];
  /** Source files that are not what they were at the last question. */
  changed: string[];
}

/** What came of the tests that ran: all that were asked for, or those until one failed. */
export interface TestFileReport {
  tests: { id: string; milliseconds: number; shows: number[] }[];
  /** The first test that failed, or what kept the file from running. */
  failed?: string;
  milliseconds: number;
  /** What showed outside of the tests. */
  shows: number[];
}

const TREE = fileURLToPath(new URL('../../', import.meta.url));
const NAMES = /^(?!.*without the fix)/; // such a test looks for lines of the source, which a mutant changes

const vitest = await createVitest('test', {
  root: TREE,
  config: false, // one project in the place of all: the time-outs are those of vitest.config.ts
  include: ['test/**/*.test.ts'],
  setupFiles: ['test/mutation/vitest-setup.ts'],
  pool: 'threads', // which end with their process
  maxWorkers: 1,
  watch: false,
  testTimeout: 180_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
  reporters: [{ onTestCaseResult: endAtFailure }],
});
await vitest.standalone();

function endAtFailure(test: TestCase): void {
  if (test.result().state === 'failed') void vitest.cancelCurrentRun('test-failure');
}

async function run({ file, tests, changed }: Asked): Promise<TestFileReport> {
  for (const source of changed) vitest.invalidateFile(join(TREE, source));
  const began = performance.now();
  const path = join(TREE, file);
  const which = tests.length > 0 ? { testIds: tests } : { testNamePattern: NAMES };
  const specification = vitest.getRootProject().createSpecification(path, which);
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([specification]);
  const milliseconds = performance.now() - began;
  const modules = testModules.filter(({ moduleId }) => moduleId === path); // others ran before
  const ran = modules
    .flatMap((module) => [...module.children.allTests()])
    .filter((test) => test.result().state !== 'skipped');
  const failed = failureOf(modules, ran, unhandledErrors);
  return {
    tests: ran.map((test) => ({
      id: test.id,
      milliseconds: test.diagnostic()?.duration ?? 0,
      shows: test.meta().shows ?? [],
    })),
    ...(failed !== undefined && { failed }),
    milliseconds,
    shows: modules.flatMap((module) => module.meta().shows ?? []),
  };
}

function failureOf(modules: TestModule[], ran: TestCase[], unhandled: unknown[]): string | undefined {
  const failed = ran.find((test) => test.result().state === 'failed');
  if (failed) return failed.fullName;
  const [error] = [...modules.flatMap((module) => module.errors()), ...unhandled];
  if (error) return (error as { message?: string }).message ?? 'an error outside of the tests';
  return modules.every((module) => module.ok()) ? undefined : 'a hook';
}

process.on('message', (asked: Asked) => {
  void run(asked).then((report) => process.send?.(report));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
