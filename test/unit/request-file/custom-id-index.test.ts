import { expect, it } from 'vitest';
import { CustomIdIndex } from '../../../functions/shared/request-file/custom-id-index.ts';
import { COLLIDING } from './colliding-ids.ts';

const candidates = (...rows: [string, number][]) => {
  const ids = new CustomIdIndex();
  for (const [customId, line] of rows) ids.add(customId, line);
  return ids.candidates(1_000).rows.map((row) => ids.lineOf(row));
};

it('finds no candidates among different ids', () => {
  expect(candidates()).toEqual([]);
  expect(candidates(['a', 1])).toEqual([]);
  expect(candidates(['a', 1], ['b', 2], ['A', 3], ['', 4], ['aa', 5])).toEqual([]);
});

it('finds every line of a repeated id', () => {
  expect(candidates(['a', 1], ['b', 3], ['a', 4], ['c', 5], ['a', 9], ['c', 10])).toEqual([1, 4, 5, 9, 10]);
});

it('returns two ids with the same hash as candidates, for the caller to compare', () => {
  expect(candidates([COLLIDING[0], 1], ['a', 2], [COLLIDING[1], 3])).toEqual([1, 3]);
});

it.each([511, 512, 513, 65_535, 65_536, 65_537, 200_000])('finds the one repeated id among %d', (count) => {
  const ids = new CustomIdIndex();
  for (let at = 1; at <= count; at += 1) ids.add(`row-${at}`, at);
  expect(ids.candidates(10)).toEqual({ rows: [], further: 0 });
  ids.add('row-1', 4_000_000_000);
  expect(ids.candidates(10)).toEqual({ rows: [0, count], further: 0 });
  expect(ids.lineOf(count)).toBe(4_000_000_000);
});

it('returns only as many rows as requested, and counts the other repetitions', () => {
  const ids = new CustomIdIndex();
  for (const [at, customId] of ['a', 'b', 'x', 'a', 'c', 'c', 'b', 'y', 'c', 'a'].entries())
    ids.add(customId, at);
  expect(ids.candidates(3)).toEqual({ rows: [0, 1, 3], further: 4 });
  expect(ids.candidates(4)).toEqual({ rows: [0, 1, 3, 4], further: 4 });
  expect(ids.candidates(8)).toEqual({ rows: [0, 1, 3, 4, 5, 6, 8, 9], further: 0 });
});

it('throws for the line of a row that was not added', () => {
  const ids = new CustomIdIndex();
  ids.add('a', 7);
  expect(ids.lineOf(0)).toBe(7);
  for (const row of [1, -1, 65_536]) expect(() => ids.lineOf(row)).toThrow(RangeError);
});
