import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../../local/aws/events/patterns/pattern.ts';
import { type PatternCase, testCases } from './event-pattern-case.ts';

const VALUES: readonly PatternCase[] = [
  {
    pattern: { a: ['x'] },
    matches: [{ a: 'x' }, { a: 'x', b: 'more' }],
    differs: [{ a: 'X' }, { a: 'y' }, {}],
  },
  { pattern: { a: ['x', 'y'] }, matches: [{ a: 'x' }, { a: 'y' }], differs: [{ a: 'z' }, { b: 'x' }] },
  {
    pattern: { a: ['x'], b: ['y'] },
    matches: [{ a: 'x', b: 'y' }],
    differs: [{ a: 'x' }, { a: 'x', b: 'z' }, { a: 'y', b: 'x' }],
  },
  { pattern: { a: [5] }, matches: [{ a: 5 }, { a: 5.0 }], differs: [{ a: '5' }, { a: 6 }, { a: true }] },
  { pattern: { a: ['5'] }, matches: [{ a: '5' }], differs: [{ a: 5 }] },
  { pattern: { a: [-3.018e2] }, matches: [{ a: -301.8 }], differs: [{ a: 301.8 }] },
  { pattern: { a: [true] }, matches: [{ a: true }], differs: [{ a: false }, { a: 'true' }, { a: 1 }] },
  { pattern: { a: [false] }, matches: [{ a: false }], differs: [{ a: null }, { a: 0 }, {}] },
  { pattern: { a: [null] }, matches: [{ a: null }], differs: [{}, { a: '' }, { a: 'null' }, { a: 0 }] },
  { pattern: { a: [''] }, matches: [{ a: '' }], differs: [{}, { a: null }, { a: ' ' }] },
  { pattern: { a: ['x', 5, null] }, matches: [{ a: null }, { a: 5 }], differs: [{ a: false }] },
  { pattern: { a: ['::1'] }, matches: [{ a: '::1' }, { a: '0:0:0:0:0:0:0:1' }], differs: [{ a: '::2' }] },
  { pattern: { prefix: ['x'] }, matches: [{ prefix: 'x' }], differs: [{ a: 'x' }] },
];

const NESTED: readonly PatternCase[] = [
  {
    pattern: { a: { b: { c: ['x'] } } },
    matches: [{ a: { b: { c: 'x', d: 1 } } }],
    differs: [{ a: { b: { c: 'y' } } }, { a: { c: 'x' } }, { c: 'x' }, { a: 'x' }, { a: null }, {}],
  },
  { pattern: { a: ['x'] }, matches: [], differs: [{ a: { a: 'x' } }, { a: { x: 'x' } }] },
];

const ARRAYS: readonly PatternCase[] = [
  {
    pattern: { a: ['x'] },
    matches: [{ a: ['x', 'y'] }, { a: ['y', 'x'] }, { a: [['x'], ['y']] }],
    differs: [{ a: [] }, { a: ['y'] }, { a: [{ x: 'x' }] }],
  },
  { pattern: { a: ['x', 'y'] }, matches: [{ a: ['z', 'y'] }], differs: [{ a: ['z'] }] },
  {
    pattern: { staff: { first: ['Anna'] } },
    matches: [
      { staff: [{ first: 'John' }, { first: 'Anna' }] },
      { staff: [[{ first: 'John' }], [{ first: 'Anna' }]] },
      { staff: { first: 'Anna' } },
    ],
    differs: [{ staff: [{ first: 'John' }] }, { staff: ['Anna'] }],
  },
  {
    pattern: { staff: { first: ['Anna'], last: ['Smith'] } },
    matches: [
      {
        staff: [
          { first: 'John', last: 'Doe' },
          { first: 'Anna', last: 'Smith' },
        ],
      },
    ],
    differs: [
      {
        staff: [
          { first: 'John', last: 'Smith' },
          { first: 'Anna', last: 'Doe' },
        ],
      },
    ],
  },
];

const EXISTENCE: readonly PatternCase[] = [
  {
    pattern: { a: [{ exists: true }] },
    matches: [{ a: 'x' }, { a: '' }, { a: null }, { a: 0 }, { a: ['x'] }],
    differs: [{}, { b: 1 }, { a: { b: 1 } }, { a: [] }],
  },
  {
    pattern: { a: [{ exists: false }] },
    matches: [{}, { b: 1 }, { a: { b: 1 } }, { a: [] }],
    differs: [{ a: 'x' }, { a: null }, { a: '' }],
  },
  {
    pattern: { a: { c: [{ exists: false }] } },
    matches: [{}, { a: { b: 1 } }, { a: 'x' }],
    differs: [{ a: { c: 1 } }, { a: [{ b: 1 }, { c: 1 }] }],
  },
  { pattern: { a: [{ exists: false }, 'x'] }, matches: [{}, { a: 'x' }], differs: [{ a: 'y' }] },
  { pattern: { constructor: [{ exists: true }] }, matches: [{ constructor: 1 }], differs: [{}] },
  {
    pattern: { a: [{ exists: false }], b: ['x'] },
    matches: [{ b: 'x' }],
    differs: [{ a: 1, b: 'x' }, { b: 'y' }],
  },
];

const OR: readonly PatternCase[] = [
  {
    pattern: { $or: [{ a: [1] }, { b: [2] }] },
    matches: [{ a: 1 }, { b: 2 }, { a: 1, b: 2 }, { a: 9, b: 2 }],
    differs: [{ a: 2, b: 1 }, {}, { $or: 1 }],
  },
  {
    pattern: { c: [3], $or: [{ a: [1] }, { b: [2] }] },
    matches: [{ a: 1, c: 3 }],
    differs: [{ a: 1 }, { c: 3 }, { a: 1, c: 4 }],
  },
  {
    pattern: { $or: [{ a: [1] }, { b: [2], c: [3] }] },
    matches: [{ b: 2, c: 3 }, { a: 1 }],
    differs: [{ b: 2 }, { c: 3 }],
  },
  {
    pattern: { n: { $or: [{ a: [{ numeric: ['>', 0] }] }, { b: [{ prefix: 'x' }] }] } },
    matches: [{ n: { a: 1 } }, { n: { b: 'xy' } }],
    differs: [{ a: 1 }, { n: { a: 0, b: 'y' } }],
  },
  {
    pattern: { $or: [{ a: [1] }, { d: [4], $or: [{ b: [2] }, { c: [3] }] }] },
    matches: [{ a: 1 }, { d: 4, c: 3 }, { d: 4, b: 2 }],
    differs: [{ d: 4 }, { b: 2 }],
  },
  {
    pattern: { n: { $or: [{ a: [1] }, { b: [2] }] }, $or: [{ c: [3] }, { d: [4] }] },
    matches: [{ n: { b: 2 }, d: 4 }],
    differs: [{ n: { b: 2 } }, { d: 4 }],
  },
  {
    pattern: { $or: [{ a: [{ exists: false }] }, { a: ['x'] }] },
    matches: [{}, { a: 'x' }],
    differs: [{ a: 'y' }],
  },
  // `$or` is a field name if AWS cannot read it as the operator.
  { pattern: { $or: ['x', 'y'] }, matches: [{ $or: 'y' }], differs: [{}, { x: 1 }] },
  { pattern: { $or: { a: [1] } }, matches: [{ $or: { a: 1 } }], differs: [{ a: 1 }] },
  {
    pattern: { $or: [{ numeric: ['=', 1] }, { prefix: 'x' }] },
    matches: [{ $or: 1 }, { $or: 'xy' }],
    differs: [{ $or: 2 }, { numeric: 1 }],
  },
];

const count =
  testCases('values', VALUES) +
  testCases('nested objects', NESTED) +
  testCases('arrays in the event', ARRAYS) +
  testCases('exists', EXISTENCE) +
  testCases('$or', OR);

describe('a pattern', () => {
  it('is tested on the expected number of details', () => {
    expect(count).toBeGreaterThanOrEqual(100);
  });

  it('matches the envelope as well as the detail', () => {
    const event = { source: 'aws.s3', resources: ['arn:a', 'arn:b'], detail: {} };
    expect(compilePattern('{"source":["aws.s3"],"resources":["arn:b"]}')(event)).toBe(true);
    expect(compilePattern('{"source":["aws.s3"],"resources":["arn:c"]}')(event)).toBe(false);
  });
});
