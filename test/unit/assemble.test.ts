import { describe, expect, it } from 'vitest';
import { SMALLEST_UPLOAD_PART as MIN, segmentsOf } from '../../functions/shared/core/assemble.ts';

const GIB = 1024 ** 3;
const one = (key: string, start: number, end: number) => ({ key, start, end });

describe('pieces', () => {
  it.each([
    ['of nothing become no segment', [], []],
    ['that are empty are passed over', [{ key: 'a', bytes: 0 }], []],
    ['a single small one is gathered', [{ key: 'a', bytes: 7 }], [{ gather: [one('a', 0, 7)] }]],
    ['of the smallest size are copied', [{ key: 'a', bytes: MIN }], [{ copy: one('a', 0, MIN) }]],
    ['a byte below it are gathered', [{ key: 'a', bytes: MIN - 1 }], [{ gather: [one('a', 0, MIN - 1)] }]],
    [
      'small ones are gathered across empty ones',
      [
        { key: 'a', bytes: 1 },
        { key: 'b', bytes: 0 },
        { key: 'c', bytes: 2 },
      ],
      [{ gather: [one('a', 0, 1), one('c', 0, 2)] }],
    ],
    [
      'a small one before a large one takes of it what it needs',
      [
        { key: 'a', bytes: 1 },
        { key: 'b', bytes: 3 * MIN },
      ],
      [{ gather: [one('a', 0, 1), one('b', 0, MIN - 1)] }, { copy: one('b', MIN - 1, 3 * MIN) }],
    ],
    [
      'a rest too small to be copied goes along with what was gathered',
      [
        { key: 'a', bytes: 1 },
        { key: 'b', bytes: 2 * MIN - 2 },
      ],
      [{ gather: [one('a', 0, 1), one('b', 0, 2 * MIN - 2)] }],
    ],
    [
      'the last may be small',
      [
        { key: 'a', bytes: MIN },
        { key: 'b', bytes: 1 },
      ],
      [{ copy: one('a', 0, MIN) }, { gather: [one('b', 0, 1)] }],
    ],
    [
      'of more than a GiB are copied in several calls, none too small',
      [{ key: 'a', bytes: 2 * GIB + 1 }],
      [{ copy: one('a', 0, GIB) }, { copy: one('a', GIB, 2 * GIB + 1) }],
    ],
  ])('%s', (_, pieces, expected) => {
    expect(segmentsOf(pieces)).toEqual(expected);
  });
});
