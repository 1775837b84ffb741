/** Any text, including the empty one: `*`. */
export const ANY_TEXT = Symbol('any text');
/** Exactly one character: `?`. */
export const ANY_CHARACTER = Symbol('any character');

/** A pattern in pieces. A string is one character that stands for itself. */
export type WildcardPattern = readonly (string | typeof ANY_TEXT | typeof ANY_CHARACTER)[];

/**
 * Returns whether the characters match the pattern. Only the last `*` before a mismatch is ever extended, because
 * everything before it has already matched as early as possible. Each character is therefore compared at most as often
 * as the pattern is long, however many `*` it has. A regular expression would try every way to divide the text.
 */
export function matchesPattern(pattern: WildcardPattern, characters: ArrayLike<string>): boolean {
  const { length } = characters;
  let next = 0; // position in the pattern
  let at = 0; // position in the text
  let star: number | undefined;
  let starEnd = 0;
  while (at < length) {
    const piece = pattern[next];
    if (piece === ANY_TEXT) {
      star = next;
      starEnd = at;
      next += 1;
    } else if (next < pattern.length && (piece === ANY_CHARACTER || piece === characters[at])) {
      next += 1;
      at += 1;
    } else if (star === undefined) {
      return false;
    } else {
      starEnd += 1;
      at = starEnd;
      next = star + 1;
    }
  }
  return pattern.slice(next).every((piece) => piece === ANY_TEXT);
}
