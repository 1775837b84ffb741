import { ANY_CHARACTER, ANY_TEXT, matchesPattern, type WildcardPattern } from '../protocol/wildcard.ts';

/** Returns whether a text matches a policy's pattern: `*` stands for any number of characters, `?` for exactly one. */
export function matchesWildcards(pattern: string, text: string): boolean {
  const known = compiled.get(pattern) ?? compile(pattern);
  compiled.set(pattern, known);
  return matchesPattern(known, Array.from(text));
}

const WILD = new Map<string, WildcardPattern[number]>([
  ['*', ANY_TEXT],
  ['?', ANY_CHARACTER],
]);

const compiled = new Map<string, WildcardPattern>();

function compile(pattern: string): WildcardPattern {
  return Array.from(pattern, (character) => WILD.get(character) ?? character);
}
