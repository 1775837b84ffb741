import { describe, expect, it } from 'vitest';
import { gather, segmentBytes, segmentsOf } from '../../../functions/deliver/job/multipart-plan.ts';

const MIN = segmentBytes(0, false);
const GIB = 1024 ** 3;
const one = (key: string, start: number, end: number) => ({ key, start, end });

describe('the plan of a multipart upload', () => {
  it.each([
    ['without pieces has no segment', [], []],
    ['skips empty pieces', [{ key: 'a', bytes: 0 }], []],
    ['gathers a single small piece', [{ key: 'a', bytes: 7 }], [{ gather: [one('a', 0, 7)] }]],
    ['copies a piece of the smallest size', [{ key: 'a', bytes: MIN }], [{ copy: one('a', 0, MIN) }]],
    [
      'gathers a piece that is one byte smaller',
      [{ key: 'a', bytes: MIN - 1 }],
      [{ gather: [one('a', 0, MIN - 1)] }],
    ],
    [
      'gathers small pieces across empty ones',
      [
        { key: 'a', bytes: 1 },
        { key: 'b', bytes: 0 },
        { key: 'c', bytes: 2 },
      ],
      [{ gather: [one('a', 0, 1), one('c', 0, 2)] }],
    ],
    [
      'fills up a small piece with bytes of the following large one',
      [
        { key: 'a', bytes: 1 },
        { key: 'b', bytes: 3 * MIN },
      ],
      [{ gather: [one('a', 0, 1), one('b', 0, MIN - 1)] }, { copy: one('b', MIN - 1, 3 * MIN) }],
    ],
    [
      'gathers a remainder that is too small to be copied',
      [
        { key: 'a', bytes: 1 },
        { key: 'b', bytes: 2 * MIN - 2 },
      ],
      [{ gather: [one('a', 0, 1), one('b', 0, 2 * MIN - 2)] }],
    ],
    [
      'may end with a small segment',
      [
        { key: 'a', bytes: MIN },
        { key: 'b', bytes: 1 },
      ],
      [{ copy: one('a', 0, MIN) }, { gather: [one('b', 0, 1)] }],
    ],
    [
      'copies a piece of more than a GiB in several calls, none too small',
      [{ key: 'a', bytes: 2 * GIB + 1 }],
      [{ copy: one('a', 0, GIB) }, { copy: one('a', GIB, 2 * GIB + 1) }],
    ],
  ])('%s', async (_, pieces, expected) => {
    const stretches = pieces.map(({ key, bytes }) => ({ key, start: 0, end: bytes }));
    expect(await Array.fromAsync(segmentsOf(stretches, MIN))).toEqual(expected);
  });
});

describe('the segments of an object', () => {
  it('are as small as S3 allows, larger for a very large object, and larger for merged rows', () => {
    expect(segmentBytes(0, false)).toBe(5 * 1024 ** 2);
    expect(segmentBytes(1000 * GIB, false)).toBeGreaterThan((1000 * GIB) / 10_000);
    expect(segmentBytes(0, true)).toBe(32 * 1024 ** 2);
  });

  it('gather adjacent ranges of several objects, and read each object once', async () => {
    const bodies: Record<string, string> = { a: 'a1a2a3', b: 'b1b2' };
    const reads: string[] = [];
    const store = {
      async *read(key: string, range?: { start: number; end: number }) {
        reads.push(key);
        yield Buffer.from((bodies[key] ?? '').slice(range?.start, range?.end));
      },
    };
    const stretches = [one('a', 2, 4), one('b', 0, 2), one('a', 4, 6), one('b', 2, 4)];
    expect((await gather(store, stretches)).toString()).toBe('a2b1a3b2');
    expect(reads).toEqual(['a', 'b']);
    await expect(gather(store, [one('a', 0, 2), one('a', 4, 6)])).rejects.toThrow(
      /at 4 does not follow the one before, which ends at 2/,
    );
  });
});
