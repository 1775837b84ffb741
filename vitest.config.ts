import { defineConfig } from 'vitest/config';

const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

// Time-outs end a hung test; no test measures time.
export default defineConfig({
  test: {
    maxWorkers: 2, // by default one fewer than cores: on two cores the files would wait for each other
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
