import { expect, it } from 'vitest';
import { RowIds } from '../../functions/shared/core/row-ids.ts';
import { COLLIDING } from './colliding-ids.ts';

const candidates = (...rows: [string, number][]) => {
  const ids = new RowIds();
  for (const [customId, line] of rows) ids.add(customId, line);
  return [...ids.candidates()].sort((a, b) => a - b);
};

it('finds no candidates among ids that differ', () => {
  expect(candidates()).toEqual([]);
  expect(candidates(['a', 1])).toEqual([]);
  expect(candidates(['a', 1], ['b', 2], ['A', 3], ['', 4], ['aa', 5])).toEqual([]);
});

it('finds every line of an id that comes again', () => {
  expect(candidates(['a', 1], ['b', 3], ['a', 4], ['c', 5], ['a', 9], ['c', 10])).toEqual([1, 4, 5, 9, 10]);
});

it('takes two ids with one hash for candidates: whoever asks compares them', () => {
  expect(candidates([COLLIDING[0], 1], ['a', 2], [COLLIDING[1], 3])).toEqual([1, 3]);
});

it.each([65_535, 65_536, 65_537, 200_000])('finds the one that comes again among %d', (count) => {
  const ids = new RowIds();
  for (let at = 1; at <= count; at += 1) ids.add(`row-${at}`, at);
  expect(ids.candidates().size).toBe(0);
  ids.add('row-1', 4_000_000_000);
  expect([...ids.candidates()]).toEqual([1, 4_000_000_000]);
});
