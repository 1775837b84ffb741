/** Strings for a schema with `format`, `pattern`, `minLength` and `maxLength`. */
import type { Random } from '../../faults/seeded-random.ts';
import type { JsonObject } from '../../json.ts';
import { patternText } from './pattern-text.ts';
import { word, words } from './words.ts';

const MAX_LENGTH = 10_000; // a longer minLength is not honoured
const TRIES = 20;

const below = (random: Random, limit: number) => Math.floor(random() * limit);
const digits = (number: number) => String(number).padStart(2, '0');
const hex = (random: Random, length: number) =>
  Array.from({ length }, () => below(random, 16).toString(16)).join('');
const date = (random: Random) =>
  `20${digits(20 + below(random, 10))}-${digits(1 + below(random, 12))}-${digits(1 + below(random, 28))}`;
const time = (random: Random) =>
  `${digits(below(random, 24))}:${digits(below(random, 60))}:${digits(below(random, 60))}Z`;

const FORMATS: Readonly<Record<string, (random: Random) => string>> = {
  'date-time': (random) => `${date(random)}T${time(random)}`,
  date,
  time,
  duration: (random) => `P${1 + below(random, 30)}DT${1 + below(random, 23)}H`,
  email: (random) => `${word(random)}@example.com`,
  hostname: (random) => `${word(random)}.example.com`,
  ipv4: (random) => `192.0.2.${below(random, 256)}`,
  ipv6: (random) => `2001:db8::${1 + below(random, 9)}${hex(random, 3)}`,
  uuid: (random) =>
    `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-a${hex(random, 3)}-${hex(random, 12)}`,
  uri: (random) => `https://example.com/${word(random)}`,
};

/** Returns a maker of strings that the schema allows. */
export function stringText({
  format,
  pattern,
  minLength,
  maxLength,
}: JsonObject): (random: Random) => string {
  const least = Math.min(lengthOf(minLength, 0), MAX_LENGTH);
  const most = lengthOf(maxLength, Number.POSITIVE_INFINITY);
  const special =
    typeof pattern === 'string'
      ? patternText(pattern)
      : typeof format === 'string'
        ? formatText(format)
        : null;
  if (special === null) return (random) => plainText(random, least, most);
  return (random) => {
    for (let tries = 1; tries < TRIES; tries += 1) {
      const text = special(random);
      if (text.length >= least && text.length <= most) return text;
    }
    return special(random);
  };
}

function formatText(format: string): ((random: Random) => string) | null {
  return Object.hasOwn(FORMATS, format) ? (FORMATS[format] ?? null) : null;
}

function plainText(random: Random, least: number, most: number): string {
  let text = words(random);
  while (text.length < least) text += ` ${word(random)}`;
  if (text.length <= most) return text;
  const cut = text.slice(0, most);
  return cut.trimEnd().length >= least ? cut.trimEnd() : cut;
}

function lengthOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? Math.floor(value) : otherwise;
}
