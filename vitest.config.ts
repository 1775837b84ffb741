import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

// Time-outs end a hung test; no test measures time.
export default defineConfig({
  test: {
    maxWorkers: 3, // on two cores, as many tests wait for a clock or a deadline
    sequence: { sequencer: LongestFirst },
    testTimeout: 180_000, // the longest run for a minute on a machine that has nothing else to do
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } }, // by default a second, which a busy machine may take
    reporters: ['default', ['json', { outputFile: 'test-results/report.json' }]],
    projects: [
      { extends: true, test: { name: 'architecture', include: ['test/*.test.ts'] } },
      project('unit'),
      project('property'),
      project('contracts'),
      project('simulation'),
      project('stack'),
      project('local'),
      project('integration'),
      project('browser'),
      project('package'), // installs from the registry: by itself, `npm run test:package`
    ],
  },
});
