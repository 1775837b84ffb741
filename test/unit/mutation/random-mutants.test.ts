import { describe, expect, it } from 'vitest';
import { isCore, mutantsOf, planted } from '../../mutation/mutants.ts';
import { noteShowsIn } from '../../mutation/probe-answers.ts';
import { withProbes } from '../../mutation/probes.ts';

/** The line with each mutant in it. */
const mutated = (line: string) => mutantsOf('snippet.ts', line).map((mutant) => planted(line, mutant));

describe('the mutants of', () => {
  it.each([
    ['a comparison', 'x = a < b;', ['x = a <= b;', 'x = a >= b;', ';']],
    ['a comparison with a text', "f(a === 'b');", ["f(a !== 'b');", "f(a === 'another text');", ';']],
    ['and, or', 'x = a && (b || c);', ['x = (a || (b || c));', 'x = a && ((b && c));', ';']],
    ['and in and', 'x = a && b && c;', ['x = ((a && b) || c);', 'x = (a || b) && c;', ';']],
    ['a sum', 'x += a - b;', ['x -= a - b;', 'x += a + b;', ';']],
    ['a text that is put together', "x = 'a' + b;", [';']],
    ['a default', 'x = a ?? b;', ['x = a;', ';']],
    ['numbers and truths', 'f(1_000, true);', ['f((1_000 + 1), true);', 'f(1_000, false);', ';']],
    [
      'some and min',
      'f(a?.some(g), Math.min(a, b));',
      ['f(a?.every(g), Math.min(a, b));', 'f(a?.some(g), Math.max(a, b));', ';'],
    ],
    ['a condition', 'if (a) await f();', ['if (!(a)) await f();', 'if (a) ;']],
    ['a choice', 'x = a ? b : c;', ['x = !(a) ? b : c;', ';']],
    [
      'an early return',
      'function f() { if (a) return 1; return b; }',
      [
        'function f() { if (!(a)) return 1; return b; }',
        'function f() { if (a) ; return b; }',
        'function f() { if (a) return (1 + 1); return b; }',
      ],
    ],
    ['a case', "switch (a) { case 'b': break; }", ["switch (a) { case 'another text': break; }"]],
  ])('%s', (_, line, expected) => {
    expect(mutated(line).toSorted()).toEqual(expected.toSorted());
  });

  it.each([
    'type A = 1 | true;',
    "import { a } from 'b';",
    '// a < 1',
    'const a = { 1: b } as const;',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
    'throw new Error(`${a + 1} is ${b ? 2 : 3}`);',
  ])('%s: none', (line) => {
    expect(mutated(line)).toEqual([]);
  });
});

/** The operators of the mutants that could have shown while the source ran. */
function showing(source: string): string[] {
  const mutants = mutantsOf('snippet.ts', source).map((mutant, id) => ({ ...mutant, id }));
  const shows = new Set<number>();
  noteShowsIn(shows);
  new Function('a', 'b', 'f', withProbes(source, mutants))(1, 2, () => 3);
  return mutants.filter(({ id }) => shows.has(id)).map(({ operator }) => operator);
}

describe('probes show', () => {
  it.each([
    ['a boundary only at the boundary', 'const at = [a, a].map((n) => n < a);', ['< → <=', '< → >=']],
    ['no boundary away from it', 'const at = [a, a].map((n) => n < b);', ['< → >=']],
    ['no default that is not needed', 'const x = a ?? b;', []],
    [
      'what is reached, if it cannot be worked out twice',
      'if (f() < f()) f();',
      ['< → <=', '< → >=', 'condition negated'],
    ],
    ['nothing that is not reached', 'const g = () => f() + f();', []],
    ['a whole chain', 'const x = [a]?.some((n) => n === b).valueOf();', ['some → every', '=== → !==']],
  ])('%s', (_, source, expected) => {
    expect(showing(source)).toEqual(expected);
  });
});

it.each([
  ['functions/poll/reconcile.ts', true],
  ['functions/poll/observation/list.ts', true],
  ['functions/poll/handler.ts', true],
  ['functions/poll/index.ts', false],
  ['functions/poll/env.ts', false],
  ['functions/shared/domain/part.ts', true],
  ['functions/shared/adapters/s3/writer.ts', false],
  ['functions/shared/contract/events.ts', true],
  ['functions/shared/contract/examples.ts', false],
  ['functions/shared/scanner/line-scanner.ts', true],
  ['functions/shared/scanner/scanner-bytes.ts', false],
  ['functions/shared/scanner/assembly/scanner.ts', false],
])('%s is core: %s', (file, expected) => {
  expect(isCore(file)).toBe(expected);
});
