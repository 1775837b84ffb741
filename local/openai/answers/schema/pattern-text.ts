/**
 * Texts that match a regular expression. Lookarounds and backreferences are not supported.
 *
 * Which characters a class or an escape matches is asked of the regular expression engine itself, so this file need not
 * know what `\w` or `[^\p{L}-]` means.
 */
import type { Random } from '../../faults/seeded-random.ts';

type Text = (random: Random) => string;

const MORE_REPEATS = 3; // how often `*` and `+` repeat at most, beyond their minimum
const MAX_CHARACTERS = 10_000;
const TRIES = 10;
const ASCII = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));
const LAST_SEARCHED = 0xffff;

/** Returns a maker of texts that match the pattern; null if none was found. */
export function patternText(pattern: string): Text | null {
  try {
    const whole = regularExpression(pattern);
    const text = new PatternParser(pattern).parsed();
    const matching = (random: Random): string => {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const made = text(random);
        if (whole.test(made)) return made;
      }
      throw new RangeError(`pattern ${pattern}: no text found`);
    };
    matching(() => 0.5);
    return matching;
  } catch {
    return null; // an invalid or unsupported pattern, or one that nests too deep
  }
}

function regularExpression(source: string): RegExp {
  try {
    return new RegExp(source, 'u');
  } catch {
    return new RegExp(source);
  }
}

class PatternParser {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parsed(): Text {
    const text = this.#alternatives();
    if (this.#at < this.#pattern.length) throw unsupported('an unmatched parenthesis');
    return text;
  }

  #alternatives(): Text {
    const choices = [this.#sequence()];
    while (this.#takes('|')) choices.push(this.#sequence());
    return (random) => choices[Math.floor(random() * choices.length)]?.(random) ?? '';
  }

  #sequence(): Text {
    const pieces: Text[] = [];
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#next))
      pieces.push(this.#repeated(this.#atom()));
    return (random) => pieces.map((piece) => piece(random)).join('');
  }

  #atom(): Text {
    const next = this.#next;
    if (next === '(') return this.#group();
    if (next === '^' || next === '$') {
      this.#at += 1;
      return () => '';
    }
    const token = this.#token();
    if (token === '\\b' || token === '\\B') return () => '';
    return /^[^.[\\]/u.test(token) ? () => token : oneOf(charactersOf(token));
  }

  #group(): Text {
    const begin = /^\((?:\?:|\?<[^=!>][^>]*>|(?!\?))/.exec(this.#pattern.slice(this.#at))?.[0];
    if (begin === undefined) throw unsupported('a lookaround');
    this.#at += begin.length;
    const text = this.#alternatives();
    if (!this.#takes(')')) throw unsupported('an unmatched parenthesis');
    return text;
  }

  /** Reads one character, escape or class. */
  #token(): string {
    const rest = this.#pattern.slice(this.#at, this.#at + MAX_CHARACTERS);
    const token =
      /^(?:\[(?:\\.|[^\]\\])*\]|\\(?:x[\da-f]{2}|u[\da-f]{4}|u\{[\da-f]+\}|[pP]\{[^}]*\}|c[a-z]|.)|.)/isu.exec(
        rest,
      )?.[0];
    if (token === undefined || /^\\[1-9k]/.test(token)) throw unsupported('a backreference');
    this.#at += token.length;
    return token;
  }

  #repeated(atom: Text): Text {
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(this.#pattern.slice(this.#at, this.#at + 40))?.[0];
    if (quantifier === undefined) return atom;
    this.#at += quantifier.length;
    this.#takes('?');
    const { least, most } = repeats(quantifier);
    return (random) => {
      let text = '';
      for (let left = least + Math.floor(random() * (most - least + 1)); left > 0; left -= 1) {
        text += atom(random);
        if (text.length > MAX_CHARACTERS) throw new RangeError('a pattern with long texts');
      }
      return text;
    };
  }

  #takes(character: string): boolean {
    if (this.#next !== character) return false;
    this.#at += 1;
    return true;
  }

  get #next(): string {
    return this.#pattern[this.#at] ?? '';
  }
}

function repeats(quantifier: string): { least: number; most: number } {
  if (quantifier === '?') return { least: 0, most: 1 };
  const [, from = quantifier === '+' ? '1' : '0', comma = ',', to = ''] =
    /^\{(\d+)(,?)(\d*)\}$/.exec(quantifier) ?? [];
  const least = Number(from);
  if (comma === '') return { least, most: least };
  return { least, most: Math.min(to === '' ? Number.POSITIVE_INFINITY : Number(to), least + MORE_REPEATS) };
}

/** Returns characters that the token matches: letters and digits if it matches any, else others. */
function charactersOf(token: string): string[] {
  const matching = regularExpression(`^${token}$`);
  const plain = ASCII.filter((character) => matching.test(character));
  const alphanumeric = plain.filter((character) => /[a-zA-Z0-9]/.test(character));
  if (plain.length > 0) return alphanumeric.length > 0 ? alphanumeric : plain;
  for (let code = 0; code <= LAST_SEARCHED; code += 1) {
    const character = String.fromCharCode(code);
    if (matching.test(character)) return [character];
  }
  throw unsupported('a class of rare characters');
}

function oneOf(characters: readonly string[]): Text {
  return (random) => characters[Math.floor(random() * characters.length)] ?? '';
}

function unsupported(what: string): SyntaxError {
  return new SyntaxError(`unsupported pattern: it has ${what}`);
}
