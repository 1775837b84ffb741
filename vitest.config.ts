import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

/** Fewer collections, and no threads for them that take a core from another test: a tenth of the CPU time. In MB. */
const GARBAGE_COLLECTION = ['--min-semi-space-size=16', '--max-semi-space-size=64', '--single-threaded-gc'];

/**
 * The files of a project run one after another in the same processes, which load the source, the CDK and the SDK once and
 * stay warm. A test that changes its process (variables, mocks, timers) puts everything back.
 */
const SHARED = { isolate: false };

/** Four files at a time of those that wait for processes, deadlines, and servers keep two cores busy; three do not. */
const WAITING = { maxWorkers: 4 };

/** These only compute, one file on each core, after the others. */
const COMPUTING = { maxWorkers: 2, sequence: { groupOrder: 1 }, ...SHARED };

/**
 * Tests that take long for what they guard alone: `npm run test:long`, so that `npm test` stays within ten minutes on two
 * cores. The workflow in `.github` runs them beside it.
 */
const LONG = [
  'test/stack/jsii.test.ts',
  'test/integration/openai/openai-server-memory.test.ts',
  'test/integration/cli/{cli-operate,cli-real,cli-webhook}.test.ts',
  'test/integration/runtime/{chaos,results-prefix,scan-over-invocations,start-and-wait,webhook-fuzz}.test.ts',
];

/** Integration tests whose stages and Batch API server run in the process of the test, by a clock of their own. */
const IN_THIS_PROCESS = ['test/integration/{situations,openai,intake}/**/*.test.ts'];

// Time-outs end a hung test; no test measures time.
export default defineConfig({
  test: {
    globalSetup: './test/temporary-folder.ts',
    sequence: { sequencer: LongestFirst },
    execArgv: GARBAGE_COLLECTION,
    testTimeout: 180_000, // the longest run for a minute on a machine that has nothing else to do
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } }, // by default a second, which a busy machine may take
    reporters: ['default', ['json', { outputFile: 'test-results/report.json' }]],
    // Node itself loads the source, as it does in production: a fifth faster than Vite's runner, whose mocks of modules
    // and `import.meta.vitest` no test uses.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    projects: [
      { extends: true, test: { name: 'architecture', include: ['test/*.test.ts'], ...COMPUTING } },
      project('unit', COMPUTING),
      project('property', COMPUTING),
      project('stack', { ...COMPUTING, exclude: LONG }),
      project('contracts', { ...WAITING, ...SHARED }),
      project('simulation', { ...WAITING, ...SHARED }), // it computes beside those that wait
      project('local', { ...WAITING, ...SHARED }),
      project('integration', { ...WAITING, ...SHARED, exclude: [...IN_THIS_PROCESS, ...LONG] }), // runs real processes against the clock
      {
        extends: true,
        // Side by side: most of these tests wait for the deadline of a call.
        test: {
          name: 'integration-api',
          include: IN_THIS_PROCESS,
          exclude: LONG,
          maxConcurrency: 12,
          ...WAITING,
          ...SHARED,
        },
      },
      project('browser', WAITING),
      { extends: true, test: { name: 'long', include: LONG, ...WAITING } },
      project('recipes', { maxWorkers: 1 }), // builds the template, installs from the registry: `npm run test:recipes`
      project('package', { maxWorkers: 1 }), // builds the package, installs from the registry: `npm run test:package`
    ],
  },
});
