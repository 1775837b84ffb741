import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../../local/aws/events/patterns/pattern.ts';
import { matchesWildcards } from '../../../local/aws/iam/wildcards.ts';
import {
  ANY_CHARACTER,
  ANY_TEXT,
  matchesPattern,
  type WildcardPattern,
} from '../../../local/aws/protocol/wildcard.ts';

/** The definition, which tries every way: slow, but easy to verify. */
function matchesByDefinition(pattern: WildcardPattern, text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === ANY_TEXT) {
    return Array.from({ length: text.length + 1 }, (_, skipped) => text.slice(skipped)).some((left) =>
      matchesByDefinition(rest, left),
    );
  }
  const [head, ...tail] = text;
  if (head === undefined) return false;
  return (first === ANY_CHARACTER || first === head) && matchesByDefinition(rest, tail);
}

const letter = fc.constantFrom('a', 'b');
const pattern: fc.Arbitrary<WildcardPattern> = fc.array(
  fc.oneof({ weight: 3, arbitrary: letter }, fc.constantFrom(ANY_TEXT, ANY_CHARACTER)),
  { maxLength: 8 },
);

/** Counts how often the characters are read. */
function counting(text: string): { characters: ArrayLike<string>; reads: () => number } {
  let reads = 0;
  const characters = new Proxy([...text], {
    get(target, name) {
      if (name !== 'length') reads += 1;
      return Reflect.get(target, name);
    },
  });
  return { characters, reads: () => reads };
}

describe('a wildcard', () => {
  it('matches as its definition says', () => {
    fc.assert(
      fc.property(pattern, fc.array(letter, { maxLength: 10 }), (pieces, text) => {
        expect(matchesPattern(pieces, text)).toBe(matchesByDefinition(pieces, text));
      }),
      { numRuns: 20_000 },
    );
  });

  it('reads each character at most as often as the pattern is long', () => {
    const piece = fc.oneof(fc.constantFrom('a', 'a', 'a', 'b'), fc.constantFrom(ANY_TEXT, ANY_CHARACTER));
    const long = fc.array(piece, { maxLength: 40 });
    fc.assert(
      fc.property(long, fc.stringMatching(/^a{0,200}b?$/), (pieces, text) => {
        const { characters, reads } = counting(text);
        matchesPattern(pieces, characters);
        expect(reads()).toBeLessThanOrEqual(text.length * Math.max(pieces.length, 1));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([7, 100, 1_000])('with %i stars reads an almost matching text about once', (stars) => {
    const pieces: WildcardPattern = [
      ...Array.from({ length: stars }, () => [ANY_TEXT, 'a'] as const).flat(),
      ANY_TEXT,
      'b',
    ];
    const { characters, reads } = counting('a'.repeat(10_000));
    expect(matchesPattern(pieces, characters)).toBe(false);
    expect(reads()).toBeLessThanOrEqual(2 * 10_000 + stars);
  });

  it('in a policy stands for whole characters', () => {
    expect(matchesWildcards('arn:*:?', 'arn:aws:s3:💡')).toBe(true);
    expect(matchesWildcards('?', '💡')).toBe(true);
    expect(matchesWildcards('??', '💡')).toBe(false);
    expect(matchesWildcards('a.c', 'abc')).toBe(false);
  });

  it('in an event pattern with many stars gives a result for any text', () => {
    const matches = compilePattern(
      JSON.stringify({ detail: { key: [{ wildcard: `${'*a'.repeat(50)}*b` }] } }),
    );
    const event = (key: string) => ({ source: 's', 'detail-type': 't', resources: [], detail: { key } });
    expect(matches(event('a'.repeat(100_000)))).toBe(false);
    expect(matches(event(`${'a'.repeat(100_000)}b`))).toBe(true);
  });
});
