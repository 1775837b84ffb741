import { describe, expect, it } from 'vitest';
import { schemaColumns } from '../../../functions/shared/flat-results/answer-columns.ts';

/** Returns the columns of a schema with these properties, as `type`, with `?` if the value may be null. */
function columnsOf(properties: object, more: object = {}): Record<string, string> | undefined {
  const columns = schemaColumns({ type: 'object', properties, ...more });
  const shown = [...(columns ?? [])].map(([name, { type, mayBeNull }]) => [
    name,
    type + (mayBeNull ? '?' : ''),
  ]);
  return columns && Object.fromEntries(shown);
}

describe('the column of a property', () => {
  it.each([
    ['a text', { type: 'string' }, 'text'],
    ['a whole number', { type: 'integer' }, 'integer'],
    ['a number', { type: 'number' }, 'number'],
    ['true or false', { type: 'boolean' }, 'boolean'],
    ['a list', { type: 'array' }, 'json'],
    ['an object', { type: 'object' }, 'json'],
    ['null', { type: 'null' }, 'json?'],
    ['a text or null', { type: ['string', 'null'] }, 'text?'],
    ['a whole number or another one', { type: ['integer', 'number'] }, 'number'],
    ['a text or a number', { type: ['string', 'number'] }, 'json'],
    ['a type that JSON schemas do not have', { type: 'date' }, 'json?'],
    ['one of several texts', { enum: ['good', 'bad'] }, 'text'],
    ['one of several numbers', { enum: [1, 2.5] }, 'number'],
    ['one of several whole numbers, or null', { enum: [1, 2, null] }, 'integer?'],
    ['a constant', { const: true }, 'boolean'],
    ['any of several schemas', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, 'integer?'],
    ['one of several schemas', { oneOf: [{ type: 'string' }, { anyOf: [{ const: 'x' }] }] }, 'text'],
    ['an object without a type', { properties: { a: {} } }, 'json'],
    ['a list without a type', { items: { type: 'string' } }, 'json'],
    ['anything', {}, 'json?'],
    ['true, which allows anything', true, 'json?'],
  ])('of %s', (_, schema, expected) => {
    expect(columnsOf({ one: schema })).toEqual({ one: expected });
  });

  it('may be absent unless it is required', () => {
    const columns = schemaColumns({ properties: { a: {}, b: {} }, required: ['b'] });
    expect([columns?.get('a')?.mayBeAbsent, columns?.get('b')?.mayBeAbsent]).toEqual([true, false]);
  });
});

describe('a reference in a schema', () => {
  const $defs = {
    mood: { enum: ['good', 'bad'] },
    'a/b~c': { type: 'integer' },
    again: { $ref: '#/$defs/mood' },
  };

  it.each([
    ['leads to a definition', '#/$defs/mood', 'text'],
    ['leads to another reference', '#/$defs/again', 'text'],
    ['may have escaped characters', '#/$defs/a~1b~0c', 'integer'],
    ['may lead to the whole schema', '#', 'json'],
    ['that leads nowhere may be anything', '#/$defs/none/type', 'json?'],
    ['to a name that every object has may be anything', '#/constructor', 'json?'],
    ['into another document may be anything', 'other.json#/$defs/mood', 'json?'],
  ])('%s', (_, $ref, expected) => {
    expect(columnsOf({ one: { $ref } }, { $defs })).toEqual({ one: expected });
  });

  it('that goes in circles may be anything', () => {
    const circles = {
      $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' }, c: { anyOf: [{ $ref: '#/$defs/c' }] } },
    };
    expect(columnsOf({ one: { $ref: '#/$defs/a' }, two: { $ref: '#/$defs/c' } }, circles)).toEqual({
      one: 'json?',
      two: 'json?',
    });
  });

  it('may be the schema itself', () => {
    const schema = { $ref: '#/$defs/whole', $defs: { whole: { properties: { n: { type: 'integer' } } } } };
    expect(schemaColumns(schema)?.get('n')?.type).toBe('integer');
  });
});

it.each([undefined, 'text', { type: 'array' }, { properties: {} }, { properties: ['a'] }])(
  '%j describes no object with named properties',
  (schema) => {
    expect(schemaColumns(schema)).toBeUndefined();
  },
);
