import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KeyRange, Section } from 'dynalite/db/index.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Entries } from '../../../local/aws/dynamodb/entries.ts';

let directory: string;
let entries: Entries;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-entries-'));
  entries = new Entries(directory);
});

afterEach(() => {
  entries.close();
  rmSync(directory, { recursive: true });
});

/** What has been called back when the call returns. */
function atOnce(call: (done: (error: unknown, outcome?: unknown) => void) => void): unknown {
  let answer: unknown = 'nothing yet';
  call((error, outcome) => {
    if (error) throw error;
    answer = outcome;
  });
  return answer;
}

const put = (section: Section, key: string, value: unknown) =>
  atOnce((done) => section.put(key, value, (error) => done(error)));
const get = (section: Section, key: string) => atOnce((done) => section.get(key, done));
const list = async (section: Section, range: KeyRange) => [
  await section.createKeyStream(range).toArray(),
  await section.createValueStream(range).toArray(),
];

const MANY = Array.from({ length: 250 }, (_, n) => n.toString(4).padStart(4, '0'));
const MANY_FORWARDS: [string[], KeyRange] = [MANY, { gte: '0002', limit: 201 }];
const MANY_BACKWARDS: [string[], KeyRange] = [MANY, { lt: '3321', reverse: true }];

describe('a section', () => {
  it('has its own values by key, which are there as soon as a put returns', () => {
    const [items, tags] = [entries.section('items a'), entries.section('tags a')];
    put(items, 'key', { n: 1 });
    put(items, 'key', { n: 2 });
    expect(get(items, 'key')).toEqual({ n: 2 });
    expect(get(tags, 'key')).toBeUndefined();
    entries.clear('items a');
    expect(get(items, 'key')).toBeUndefined();
  });

  it('lists ranges like a sorted list does, forwards and backwards, over pages of any size', async () => {
    // Of few letters, so that bounds meet keys.
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '~', '/'), minLength: 1, maxLength: 4 });
    const bound = fc.option(key, { nil: undefined });
    const range = fc.record({
      gt: bound,
      gte: bound,
      lt: bound,
      lte: bound,
      reverse: fc.boolean(),
      limit: fc.integer({ min: -1, max: 250 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { maxLength: 260 }), range, async (keys, asked) => {
        run += 1;
        const section = entries.section(`items ${run}`);
        entries.inTransaction(() => {
          for (const each of keys) put(section, each, `value of ${each}`);
        });
        const { gt, gte, lt, lte, reverse, limit = -1 }: KeyRange = asked;
        const inRange = keys
          .filter((each) => (gt === undefined || each > gt) && (gte === undefined || each >= gte))
          .filter((each) => (lt === undefined || each < lt) && (lte === undefined || each <= lte))
          .sort();
        if (reverse) inRange.reverse();
        const expected = limit < 0 ? inRange : inRange.slice(0, limit);
        expect(await list(section, asked)).toEqual([expected, expected.map((each) => `value of ${each}`)]);
      }),
      { numRuns: 100, examples: [MANY_FORWARDS, MANY_BACKWARDS] },
    );
  });

  it('that was closed says so in the words that dynalite expects', async () => {
    const section = entries.section('items a');
    entries.close();
    await expect(promisify(section.put)('key', {})).rejects.toThrow('Database is closed');
    entries = new Entries(directory);
  });
});

describe('a transaction', () => {
  it('that throws has changed nothing in any section', () => {
    const [items, index] = [entries.section('items a'), entries.section('global index a due')];
    put(items, 'key', 'before');
    const change = () =>
      entries.inTransaction(() => {
        put(index, 'due', 'key');
        put(items, 'key', 'after');
        throw new Error('no space');
      });
    expect(change).toThrow('no space');
    expect([get(items, 'key'), get(index, 'due')]).toEqual(['before', undefined]);
  });
});
