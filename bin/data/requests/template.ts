/**
 * A template is the body of a request as JSON, with places in its strings:
 *   `{{column}}`          the column's text, anywhere in a string
 *   `{{column:json}}`     the column's JSON value; must be the whole string, and replaces it, quotes included
 *   `{{column:number}}`   the same for a number
 *   `{{column:dataurl}}`  the file that the column names, as a data URL
 *   `{{{{`                two braces
 * The template is parsed before its places are found, so no value can change its structure. Values are never searched
 * for places.
 */
import { Failure } from '../../terminal/failure.ts';

const KINDS = ['json', 'number', 'dataurl'] as const;

/** What a place needs from its column. */
export type PlaceKind = 'text' | (typeof KINDS)[number];

/** Where a column's value goes. */
export interface Place {
  readonly column: string;
  readonly kind: PlaceKind;
}

/** A piece of the body: JSON text as it is, or a place. The value of `text` and `dataurl` goes into a JSON string. */
export type Piece = string | Place;

const OPEN = '{{';
const CLOSE = '}}';

/** Returns the pieces of the body, in order. Throws a Failure. */
export function piecesOf(template: unknown): Piece[] {
  const pieces: Piece[] = [];
  addValue(template, pieces);
  if (placesIn(pieces).length === 0)
    throw new Failure(
      'The template has no places, so all requests would be the same. Write {{column}} where a value goes.',
    );
  return joined(pieces);
}

/** Returns a JSON value in which `piecesOf` finds no places: its strings stay as they are. */
export function literally(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(OPEN, OPEN + OPEN);
  if (Array.isArray(value)) return value.map(literally);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, literally(member)]));
}

/** Returns the places among the pieces. */
export function placesIn(pieces: readonly Piece[]): Place[] {
  return pieces.filter((piece) => typeof piece !== 'string');
}

function addValue(value: unknown, pieces: Piece[]): void {
  if (typeof value === 'string') addString(value, pieces);
  else if (Array.isArray(value)) {
    for (const [at, entry] of value.entries()) {
      pieces.push(at === 0 ? '[' : ',');
      addValue(entry, pieces);
    }
    pieces.push(value.length === 0 ? '[]' : ']');
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value);
    for (const [at, [name, member]] of members.entries()) {
      if (name.includes(OPEN))
        throw new Failure(
          `The template has a place in the name ${JSON.stringify(name)}. Places work only in values.`,
        );
      pieces.push(`${at === 0 ? '{' : ','}${JSON.stringify(name)}:`);
      addValue(member, pieces);
    }
    pieces.push(members.length === 0 ? '{}' : '}');
  } else if (typeof value === 'number' && !isExact(value)) {
    throw new Failure(
      'The template has a number with more digits than JavaScript keeps. Write it with fewer.',
    );
  } else pieces.push(JSON.stringify(value));
}

/** Larger integers may have lost digits when the template was parsed. */
function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}

function addString(text: string, pieces: Piece[]): void {
  const parts = partsOf(text);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && typeof only !== 'string' && isValue(only)) {
    pieces.push(only);
    return;
  }
  pieces.push('"');
  for (const part of parts) {
    if (typeof part === 'string') pieces.push(JSON.stringify(part).slice(1, -1));
    else if (isValue(part)) {
      throw new Failure(
        `The template has {{${part.column}:${part.kind}}} within a longer string: ${JSON.stringify(text.slice(0, 80))}. A ${part.kind} value must be the whole string.`,
      );
    } else pieces.push(part);
  }
  pieces.push('"');
}

/** A value that replaces its whole string. */
function isValue({ kind }: Place): boolean {
  return kind === 'json' || kind === 'number';
}

/** Returns a string of the template as text and places. */
function partsOf(text: string): Piece[] {
  const parts: Piece[] = [];
  let literal = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf(OPEN, at);
    if (open < 0) break;
    literal += text.slice(at, open);
    if (text.startsWith(OPEN, open + OPEN.length)) {
      literal += OPEN;
      at = open + 2 * OPEN.length;
      continue;
    }
    if (text[open + OPEN.length] === '{') {
      literal += '{'; // as in {{{column}}}: no column begins with a brace
      at = open + 1;
      continue;
    }
    const close = text.indexOf(CLOSE, open);
    const name = text.slice(open + OPEN.length, close).trim();
    if (close < 0 || name === '') {
      const where = JSON.stringify(text.slice(open, open + 40));
      throw new Failure(
        `The template has {{ without a column and }}: ${where}. Write {{column}}, or {{{{ for two braces.`,
      );
    }
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(placeOf(name));
    at = close + CLOSE.length;
  }
  literal += text.slice(at);
  if (literal !== '') parts.push(literal);
  return parts;
}

function placeOf(name: string): Place {
  const kind = KINDS.find((each) => name.endsWith(`:${each}`));
  if (kind === undefined) return { column: name, kind: 'text' };
  return { column: name.slice(0, -kind.length - 1).trim(), kind };
}

/** Joins neighbouring texts. */
function joined(pieces: readonly Piece[]): Piece[] {
  const found: Piece[] = [];
  for (const piece of pieces) {
    const last = found.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') found[found.length - 1] = last + piece;
    else found.push(piece);
  }
  return found;
}
