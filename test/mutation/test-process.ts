/**
 * Runs test files of the tree that it stands in, for test-runner.ts: a process of its own, which can be killed. With the
 * argument `apart` each file loads the source anew; otherwise the files of a question share what they load, as in `npm test`.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BaseSequencer,
  createVitest,
  type TestCase,
  type TestModule,
  type TestSpecification,
} from 'vitest/node';

/** A test file, and the ids of the tests to run; all of them if there are none. */
export interface ChosenTests {
  file: string;
  tests: string[];
}

export interface Asked {
  files: ChosenTests[];
  /** Source files that are not what they were at the last question. */
  changed: string[];
}

/** What came of the tests that ran: all that were asked for, or those until one failed. */
export interface TestReport {
  tests: { id: string; milliseconds: number; shows: number[] }[];
  /** The first test that failed, or what kept a file from running. */
  failed?: { file: string; what: string };
  milliseconds: number;
  /** What showed outside of the tests. */
  shows: number[];
}

const TREE = fileURLToPath(new URL('../../', import.meta.url));
const NAMES = /^(?!.*without the fix)/; // such a test looks for lines of the source, which a mutant changes

class AsAsked extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
}

const vitest = await createVitest('test', {
  root: TREE,
  config: false, // one project in the place of all: the time-outs are those of vitest.config.ts
  include: ['test/**/*.test.ts'],
  setupFiles: ['test/mutation/vitest-setup.ts'],
  sequence: { sequencer: AsAsked },
  pool: 'threads', // which end with their process
  maxWorkers: 1,
  isolate: process.argv.includes('apart'),
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

async function run({ files, changed }: Asked): Promise<TestReport> {
  for (const source of changed) vitest.invalidateFile(join(TREE, source));
  const began = performance.now();
  const project = vitest.getRootProject();
  const specifications = files.map(({ file, tests }) =>
    project.createSpecification(
      join(TREE, file),
      tests.length > 0 ? { testIds: tests } : { testNamePattern: NAMES },
    ),
  );
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  const milliseconds = performance.now() - began;
  const asked = new Set(specifications.map(({ moduleId }) => moduleId));
  const modules = testModules.filter(({ moduleId }) => asked.has(moduleId)); // others ran before
  const ran = modules
    .flatMap((module) => [...module.children.allTests()])
    .filter((test) => ['passed', 'failed'].includes(test.result().state));
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

function failureOf(modules: TestModule[], ran: TestCase[], unhandled: unknown[]): TestReport['failed'] {
  const failed = ran.find((test) => test.result().state === 'failed');
  if (failed) return { file: fileOf(failed.module), what: failed.fullName };
  const broken = modules.find((module) => !module.ok());
  const [error = 'a hook'] = [...(broken?.errors() ?? []), ...unhandled];
  if (broken === undefined && unhandled.length === 0) return undefined;
  return {
    file: broken === undefined ? 'outside of the tests' : fileOf(broken),
    what: Object(error).message ?? String(error),
  };
}

function fileOf({ moduleId }: TestModule): string {
  return moduleId.slice(TREE.length);
}

process.on('message', (asked: Asked) => {
  void run(asked).then((report) => process.send?.(report));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
