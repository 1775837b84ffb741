/** The parts from which an instance of a schema is written, as JSON text. */
import type { Random } from '../../faults/seeded-random.ts';
import { word } from './words.ts';

/** An instance being written. */
export interface Writing {
  readonly random: Random;
  /** How many values it has so far. */
  values: number;
  /** How many parts around the current one are being written. */
  depth: number;
  /** With this many values, only what the schema requires is added. */
  readonly enough: number;
}

const DEEP = 14; // from here on, only what the schema requires is added
const MAX_DEPTH = 400;
const MAX_VALUES = 20_000;
const USUAL_ITEMS = 3;
const UNIQUE_TRIES = 20;
const NULL_SHARE = 0.2;
const OPTIONAL_SHARE = 0.7;

/** The instances of one schema. It is filled in after its creation, because schemas may refer to themselves. */
export class Part {
  /** How many levels the smallest instance has; infinity if none is known. */
  height = Number.POSITIVE_INFINITY;
  /** Computes the height from those of other parts. */
  measure: () => number = () => 0;
  write: (writing: Writing) => string = () => 'null';

  fill(measure: () => number, write: (writing: Writing) => string): this {
    this.measure = measure;
    this.write = write;
    return this;
  }

  /** Returns an instance as JSON text. Past any reasonable size it is null, which the schema may not allow. */
  text(writing: Writing): string {
    if (writing.depth >= MAX_DEPTH || writing.values >= MAX_VALUES) return 'null';
    writing.values += 1;
    writing.depth += 1;
    const text = this.write(writing);
    writing.depth -= 1;
    return text;
  }
}

/** Returns the heights of all parts, from the bottom up. */
export function measureAll(parts: readonly Part[]): void {
  let changed = true;
  while (changed) {
    changed = false;
    for (const part of parts) {
      const height = part.measure();
      if (height >= part.height) continue;
      part.height = height;
      changed = true;
    }
  }
}

const isBrief = ({ values, depth, enough }: Writing) => values >= enough || depth >= DEEP;
const lowest = (parts: readonly Part[]) =>
  parts.reduce((best, part) => (part.height < best.height ? part : best));
const heightOf = (parts: readonly Part[]) => parts.reduce((most, { height }) => Math.max(most, height), 0);

/** One of several parts. The smallest one ends a recursion. `isNull`: the last part is null, and is rare. */
export function choice(part: Part, branches: readonly Part[], isNull: boolean): Part {
  return part.fill(
    () => branches.reduce((least, { height }) => Math.min(least, height), Number.POSITIVE_INFINITY),
    (writing) => {
      const possible = branches.filter(({ height }) => height < Number.POSITIVE_INFINITY);
      const [first] = possible;
      if (!first) return 'null';
      if (isBrief(writing)) return lowest(possible).text(writing);
      const usual =
        isNull && possible.length > 1 && writing.random() >= NULL_SHARE ? possible.slice(0, -1) : possible;
      const at = Math.floor(writing.random() * usual.length);
      return (usual[at] ?? first).text(writing);
    },
  );
}

interface Property {
  readonly name: string;
  readonly part: Part;
  readonly isRequired: boolean;
}

/** An object. `least`: how many properties it has at least; `more`: the values of properties without a name of their own. */
export function object(part: Part, properties: readonly Property[], more: Part | null, least: number): Part {
  const required = properties.filter(({ isRequired }) => isRequired).map((property) => property.part);
  return part.fill(
    () => 1 + heightOf(required),
    (writing) => {
      const entries: string[] = [];
      const add = (name: string, value: Part) =>
        entries.push(`${JSON.stringify(name)}:${value.text(writing)}`);
      let optionalNeeded = least - required.length;
      for (const { name, part: value, isRequired } of properties) {
        const isWanted = !isBrief(writing) && writing.random() < OPTIONAL_SHARE;
        const isPossible = value.height < Number.POSITIVE_INFINITY;
        if (!isRequired && !((isWanted || optionalNeeded > 0) && isPossible)) continue;
        if (!isRequired) optionalNeeded -= 1;
        add(name, value);
      }
      const extra =
        properties.length === 0 && !isBrief(writing) ? Math.max(least, 2) : least - entries.length;
      if (more)
        for (let at = 1; at <= extra && writing.values < MAX_VALUES; at += 1)
          add(`${word(writing.random)}_${at}`, more);
      return `{${entries.join(',')}}`;
    },
  );
}

interface ArraySize {
  readonly least: number;
  readonly most: number;
  readonly isUnique: boolean;
}

/** An array: first the items with a schema of their own, then others. */
export function array(part: Part, first: readonly Part[], rest: Part | null, size: ArraySize): Part {
  const { least, isUnique } = size;
  const most = Math.max(least, Math.min(size.most, rest ? Number.POSITIVE_INFINITY : first.length));
  const needed = () => [...first.slice(0, least), ...(rest && least > first.length ? [rest] : [])];
  return part.fill(
    () => 1 + heightOf(needed()),
    (writing) => {
      const isShort = isBrief(writing) || (rest ?? first[0])?.height === Number.POSITIVE_INFINITY;
      const usual = Math.min(most, Math.max(least, first.length, USUAL_ITEMS));
      const from = Math.min(usual, Math.max(least, first.length, 1));
      const count = isShort ? least : from + Math.floor(writing.random() * (usual - from + 1));
      const items: string[] = [];
      const seen = new Set<string>();
      for (let at = 0; at < count && writing.values < MAX_VALUES; at += 1) {
        const item = first[at] ?? rest;
        if (!item) break;
        let text = item.text(writing);
        for (let tries = 0; isUnique && seen.has(text) && tries < UNIQUE_TRIES; tries += 1)
          text = item.text(writing);
        if (isUnique && seen.has(text) && items.length >= least) break;
        seen.add(text);
        items.push(text);
      }
      return `[${items.join(',')}]`;
    },
  );
}

/** A value without others in it. */
export function scalar(part: Part, write: (random: Random) => string): Part {
  return part.fill(
    () => 0,
    ({ random }) => write(random),
  );
}
