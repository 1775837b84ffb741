import fc from 'fast-check';
import { afterAll, afterEach, beforeEach } from 'vitest';
import { noteShowsIn } from './probe-answers.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Numbers of the mutants that could have shown in a test, or outside of the tests of a file. */
    shows?: number[];
  }
}

fc.configureGlobal({ seed: 1 }); // property tests make the same examples with a mutant as without it

const ofFile = new Set<number>();
let ofTest = new Set<number>();
noteShowsIn(ofFile);

beforeEach(() => {
  ofTest = new Set();
  noteShowsIn(ofTest);
});
afterEach(({ task }) => {
  task.meta.shows = [...ofTest];
  noteShowsIn(ofFile);
});
// biome-ignore lint/correctness/noEmptyPattern: vitest takes nothing else as the first argument
afterAll(({}, file) => {
  file.meta.shows = [...ofFile];
});
