import { expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { mutated } from './mutated-copy.ts';

test('there are more than twenty planted defects with unique names', () => {
  expect(MUTANTS.length).toBeGreaterThan(20);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

test.each(MUTANTS)('the source still has the code that "$name" replaces', (mutant) => {
  expect(mutated(mutant).size).toBeGreaterThan(0);
});

test('a defect whose code is no longer in the source is an error, instead of a defect that is never found', () => {
  const patches = [
    { file: 'functions/shared/lifecycle/publish.ts', anchor: 'no such line', replacement: '' },
  ];
  expect(() => mutated({ name: 'lost', patches })).toThrow('0 times');
});
