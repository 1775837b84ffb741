import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../local/aws/events/pattern.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type Case = readonly [title: string, detail: Json, pattern: Json];

/** Whether an event with this detail matches a pattern on its detail. */
function matches(detail: Json, pattern: Json): boolean {
  const event = { source: 'app', 'detail-type': 'thing', resources: ['arn:a', 'arn:b'], detail };
  return compilePattern(JSON.stringify({ detail: pattern }))(event);
}

const MATCHING: readonly Case[] = [
  ['a string equal to the one', { a: 'x' }, { a: ['x'] }],
  ['a string equal to one of several', { a: 'y' }, { a: ['x', 'y'] }],
  ['a number', { a: 5 }, { a: [5] }],
  ['a number written otherwise', { a: 300 }, { a: [3e2] }],
  ['true', { a: true }, { a: [true] }],
  ['false', { a: false }, { a: [false] }],
  ['null', { a: null }, { a: [null] }],
  ['the empty string', { a: '' }, { a: [''] }],
  ['every field that the pattern names, others ignored', { a: 'x', b: 'y', c: 'z' }, { a: ['x'], b: ['y'] }],
  ['a nested field', { a: { b: { c: 'x' } } }, { a: { b: { c: ['x'] } } }],
  ['one element of an array', { a: ['x', 'y'] }, { a: ['y'] }],
  ['a field of one object in an array', { a: [{ b: 'x' }, { b: 'y' }] }, { a: { b: ['y'] } }],
  ['two fields of the same object in an array', { a: [{ b: 1, c: 2 }] }, { a: { b: [1], c: [2] } }],
  ['an element of an array in an array', { a: [['x'], ['y']] }, { a: ['y'] }],
  ['a field named like an operator, in an object', { prefix: 'x' }, { prefix: ['x'] }],
  ['a prefix', { a: 'orders/1' }, { a: [{ prefix: 'orders/' }] }],
  ['the empty prefix of any string', { a: 'x' }, { a: [{ prefix: '' }] }],
  ['a suffix', { a: 'in/file.jsonl' }, { a: [{ suffix: '.jsonl' }] }],
  ['a suffix of the whole', { a: '.jsonl' }, { a: [{ suffix: '.jsonl' }] }],
  ['one of a prefix and a value', { a: 'exact' }, { a: [{ prefix: 'p' }, 'exact'] }],
  ['any case', { a: 'FILE.jsonl' }, { a: [{ 'equals-ignore-case': 'file.JSONL' }] }],
  ['any case beyond ASCII', { a: 'GRÜN' }, { a: [{ 'equals-ignore-case': 'grün' }] }],
  ['a star in the middle', { a: 'in/2026/file.jsonl' }, { a: [{ wildcard: 'in/*.jsonl' }] }],
  ['a star for nothing', { a: 'in/.jsonl' }, { a: [{ wildcard: 'in/*.jsonl' }] }],
  ['several stars', { a: 'a-1-b-2-c' }, { a: [{ wildcard: 'a*b*c' }] }],
  ['a star alone', { a: '' }, { a: [{ wildcard: '*' }] }],
  ['a star over a line break', { a: 'x\ny' }, { a: [{ wildcard: 'x*y' }] }],
  ['an escaped star', { a: 'a*b' }, { a: [{ wildcard: 'a\\*b' }] }],
  ['an escaped backslash', { a: 'a\\b' }, { a: [{ wildcard: 'a\\\\*' }] }],
  ['characters that mean something to expressions', { a: 'a.(b)[c]$' }, { a: [{ wildcard: 'a.(b)[c]*' }] }],
  ['anything but a value', { a: 'y' }, { a: [{ 'anything-but': 'x' }] }],
  ['anything but a list', { a: 'z' }, { a: [{ 'anything-but': ['x', 'y'] }] }],
  ['anything but a number', { a: 6 }, { a: [{ 'anything-but': 5 }] }],
  ['anything but numbers', { a: 7 }, { a: [{ 'anything-but': [5, 6] }] }],
  ['another kind of value than the one excluded', { a: 5 }, { a: [{ 'anything-but': ['5'] }] }],
  ['null where a string is excluded', { a: null }, { a: [{ 'anything-but': 'x' }] }],
  ['an array with an element that is not excluded', { a: ['x', 'y'] }, { a: [{ 'anything-but': 'x' }] }],
  ['a field that exists', { a: 'x' }, { a: [{ exists: true }] }],
  ['a field that exists as null', { a: null }, { a: [{ exists: true }] }],
  ['a field that does not exist', { b: 'x' }, { a: [{ exists: false }] }],
  ['a field below one that does not exist', { b: 'x' }, { a: { c: [{ exists: false }] } }],
  ['an empty array as none', { a: [] }, { a: [{ exists: false }] }],
  ['an object as no leaf', { a: { b: 1 } }, { a: [{ exists: false }] }],
  ['a value, or none at all', { b: 1 }, { a: [{ exists: false }, 'x'] }],
  ['equal to', { a: 5 }, { a: [{ numeric: ['=', 5] }] }],
  ['greater than', { a: 5.1 }, { a: [{ numeric: ['>', 5] }] }],
  ['at least, at the bound', { a: 5 }, { a: [{ numeric: ['>=', 5] }] }],
  ['less than', { a: -1 }, { a: [{ numeric: ['<', 0] }] }],
  ['at most, at the bound', { a: 0 }, { a: [{ numeric: ['<=', 0] }] }],
  ['a range, at its closed end', { a: 10 }, { a: [{ numeric: ['>', 0, '<=', 10] }] }],
  ['the first of $or', { a: 1, b: 9 }, { $or: [{ a: [1] }, { b: [2] }] }],
  ['the second of $or', { a: 9, b: 2 }, { $or: [{ a: [1] }, { b: [2] }] }],
  ['$or and a field beside it', { a: 1, c: 3 }, { c: [3], $or: [{ a: [1] }, { b: [2] }] }],
  ['$or in a nested object', { n: { b: 2 } }, { n: { $or: [{ a: [1] }, { b: [2] }] } }],
  ['$or in $or', { c: 3 }, { $or: [{ a: [1] }, { $or: [{ b: [2] }, { c: [3] }] }] }],
];

const DIFFERING: readonly Case[] = [
  ['another string', { a: 'x' }, { a: ['y'] }],
  ['the case of a string', { a: 'X' }, { a: ['x'] }],
  ['a number as a string', { a: '5' }, { a: [5] }],
  ['a string as a number', { a: 5 }, { a: ['5'] }],
  ['true as a string', { a: 'true' }, { a: [true] }],
  ['a missing field, where null is asked for', {}, { a: [null] }],
  ['null, where a string is asked for', { a: null }, { a: ['null'] }],
  ['one of two fields', { a: 'x', b: 'z' }, { a: ['x'], b: ['y'] }],
  ['a field at another level', { b: 'x' }, { a: { b: ['x'] } }],
  ['a scalar where an object is asked for', { a: 'x' }, { a: { b: ['x'] } }],
  [
    'fields of two different objects in an array',
    {
      a: [
        { b: 1, c: 0 },
        { b: 0, c: 2 },
      ],
    },
    { a: { b: [1], c: [2] } },
  ],
  ['an inherited field', {}, { constructor: [{ exists: true }] }],
  ['another prefix', { a: 'x/orders/' }, { a: [{ prefix: 'orders/' }] }],
  ['a prefix of a number', { a: 123 }, { a: [{ prefix: '12' }] }],
  ['the case of a prefix', { a: 'Orders' }, { a: [{ prefix: 'orders' }] }],
  ['another suffix', { a: 'file.jsonl.gz' }, { a: [{ suffix: '.jsonl' }] }],
  ['more than the case', { a: 'filé' }, { a: [{ 'equals-ignore-case': 'file' }] }],
  ['a wildcard that matches a part only', { a: 'xin/a.jsonl' }, { a: [{ wildcard: 'in/*.jsonl' }] }],
  ['what an escaped star does not stand for', { a: 'axb' }, { a: [{ wildcard: 'a\\*b' }] }],
  ['a dot that is not any character', { a: 'axb' }, { a: [{ wildcard: 'a.b*' }] }],
  ['a wildcard for a number', { a: 5 }, { a: [{ wildcard: '*' }] }],
  ['the excluded value', { a: 'x' }, { a: [{ 'anything-but': 'x' }] }],
  ['a value in the excluded list', { a: 'y' }, { a: [{ 'anything-but': ['x', 'y'] }] }],
  ['an array of excluded values only', { a: ['x', 'y'] }, { a: [{ 'anything-but': ['x', 'y'] }] }],
  ['a missing field, where anything-but needs one', {}, { a: [{ 'anything-but': 'x' }] }],
  ['a field that does not exist', { b: 1 }, { a: [{ exists: true }] }],
  ['an object, which is no leaf', { a: { b: 1 } }, { a: [{ exists: true }] }],
  ['a field that does exist', { a: 1 }, { a: [{ exists: false }] }],
  ['a field in another element of the array', { a: [{ b: 1 }, { c: 1 }] }, { a: { b: [{ exists: false }] } }],
  ['greater than, at the bound', { a: 5 }, { a: [{ numeric: ['>', 5] }] }],
  ['less than, at the bound', { a: 5 }, { a: [{ numeric: ['<', 5] }] }],
  ['a range, at its open end', { a: 0 }, { a: [{ numeric: ['>', 0, '<=', 10] }] }],
  ['above a range', { a: 10.5 }, { a: [{ numeric: ['>', 0, '<=', 10] }] }],
  ['a number in a string', { a: '5' }, { a: [{ numeric: ['=', 5] }] }],
  ['neither of $or', { a: 9, b: 9 }, { $or: [{ a: [1] }, { b: [2] }] }],
  ['$or without the field beside it', { a: 1, c: 0 }, { c: [3], $or: [{ a: [1] }, { b: [2] }] }],
];

describe('a pattern', () => {
  it.each(MATCHING)('matches %s', (_, detail, pattern) => {
    expect(matches(detail, pattern)).toBe(true);
  });

  it.each(DIFFERING)('is not deceived by %s', (_, detail, pattern) => {
    expect(matches(detail, pattern)).toBe(false);
  });

  it('holds for the envelope as for the detail', () => {
    const event = { source: 'aws.s3', resources: ['arn:a', 'arn:b'], detail: {} };
    expect(compilePattern('{"source":["aws.s3"],"resources":["arn:b"]}')(event)).toBe(true);
    expect(compilePattern('{"source":["aws.s3"],"resources":["arn:c"]}')(event)).toBe(false);
  });
});

const INVALID: readonly (readonly [string, string])[] = [
  ['no JSON', '{'],
  ['no object', '["x"]'],
  ['an empty pattern', '{}'],
  ['an empty nested object', '{"detail":{}}'],
  ['an empty array', '{"source":[]}'],
  ['a bare string', '{"source":"x"}'],
  ['a bare null', '{"source":null}'],
  ['an array in an array', '{"source":[["x"]]}'],
  ['an empty matcher', '{"source":[{}]}'],
  ['two operators in one matcher', '{"source":[{"prefix":"a","suffix":"b"}]}'],
  ['a prefix that is a number', '{"source":[{"prefix":1}]}'],
  ['exists with a string', '{"source":[{"exists":"true"}]}'],
  ['anything-but of nothing', '{"source":[{"anything-but":[]}]}'],
  ['anything-but of mixed kinds', '{"source":[{"anything-but":["a",1]}]}'],
  ['anything-but of null', '{"source":[{"anything-but":null}]}'],
  ['two stars in a row', '{"source":[{"wildcard":"a**b"}]}'],
  ['a stray backslash', '{"source":[{"wildcard":"a\\\\b"}]}'],
  ['numeric without a number', '{"source":[{"numeric":["="]}]}'],
  ['numeric with an unknown comparison', '{"source":[{"numeric":["!=",1]}]}'],
  ['numeric with the upper bound first', '{"source":[{"numeric":["<",1,">",0]}]}'],
  ['numeric with an empty range', '{"source":[{"numeric":[">",5,"<",5]}]}'],
  ['numeric beyond the bounds', '{"source":[{"numeric":["=",5000000001]}]}'],
  ['more than 4096 characters', JSON.stringify({ source: ['x'.repeat(4100)] })],
];

const NOT_IMPLEMENTED: readonly (readonly [string, string])[] = [
  ['cidr', '{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}'],
  ['starts-with', '{"detail":{"a":[{"starts-with":"x"}]}}'],
  ['equals-ignore-case', '{"detail":{"a":[{"prefix":{"equals-ignore-case":"x"}}]}}'],
  ['prefix', '{"detail":{"a":[{"anything-but":{"prefix":"x"}}]}}'],
  ['$or', '{"detail":{"$or":[{"a":[1]}]}}'],
  ['$or', '{"detail":{"$or":["x","y"]}}'],
];

describe('a pattern is refused', () => {
  it.each(INVALID)('as invalid: %s', (_, pattern) => {
    expect(() => compilePattern(pattern)).toThrow(
      expect.objectContaining({ code: 'InvalidEventPatternException' }),
    );
  });

  it.each(NOT_IMPLEMENTED)('by the name of what is not here: %s in %s', (operator, pattern) => {
    expect(() => compilePattern(pattern)).toThrow(
      expect.objectContaining({ code: 'ValidationException', message: expect.stringContaining(operator) }),
    );
  });
});
