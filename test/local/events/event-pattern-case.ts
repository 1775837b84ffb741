import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../../local/aws/events/patterns/pattern.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A pattern for an event's detail, with details that match and details that do not. */
export interface PatternCase {
  readonly pattern: Json;
  readonly matches: readonly Json[];
  readonly differs: readonly Json[];
}

/** Returns whether an event with this detail matches a pattern for its detail. */
function matches(detail: Json, pattern: Json): boolean {
  const event = { source: 'app', 'detail-type': 'thing', resources: ['arn:a', 'arn:b'], detail };
  return compilePattern(JSON.stringify({ detail: pattern }))(event);
}

/** Defines one test per detail. Returns their number. */
export function testCases(title: string, cases: readonly PatternCase[]): number {
  const single = cases.flatMap(({ pattern, matches: alike, differs }) => [
    ...alike.map((detail) => ({ pattern, detail, expected: true })),
    ...differs.map((detail) => ({ pattern, detail, expected: false })),
  ]);
  describe(title, () => {
    it.each(
      single.map(({ pattern, detail, expected }) => ({
        title: `${JSON.stringify(pattern)} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(detail)}`,
        actual: () => matches(detail, pattern),
        expected,
      })),
    )('$title', ({ actual, expected }) => {
      expect(actual()).toBe(expected);
    });
  });
  return single.length;
}
