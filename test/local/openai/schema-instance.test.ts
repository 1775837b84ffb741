import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instancesOf } from '../../../local/openai/answers/schema/schema-instance.ts';
import { strictProblem } from '../../../local/openai/answers/strict-schema.ts';
import { seededRandom } from '../../../local/openai/faults/seeded-random.ts';
import type { Json, JsonObject } from '../../../local/openai/json.ts';

const SEEDS = Array.from({ length: 40 }, (_, at) => `seed ${at}`);

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

/** Returns instances for 40 seeds, each of which a validator has accepted. */
function validInstances(schema: Json): Json[] {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema as object);
  const maker = instancesOf(schema) ?? expect.fail('no finite instance');
  return SEEDS.map((seed) => {
    const text = maker(seededRandom(seed));
    const instance: Json = JSON.parse(text);
    if (!validate(instance)) expect.fail(`${ajv.errorsText(validate.errors)} in ${text}`);
    expect(text.length).toBeLessThan(20_000);
    return instance;
  });
}

const NODE = object({
  value: { type: 'number' },
  next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
});
const ELEMENT = object({
  type: { type: 'string', enum: ['div', 'button', 'header'] },
  label: { type: 'string' },
  children: { type: 'array', items: { $ref: '#' } },
  attributes: { type: 'array', items: object({ name: { type: 'string' }, value: { type: 'string' } }) },
});
const EXPRESSION = {
  anyOf: [
    object({ operator: { const: '+' }, left: { $ref: '#/$defs/e' }, right: { $ref: '#/$defs/e' } }),
    { type: 'number' },
  ],
};

describe('an instance is valid', () => {
  test.each<[string, Json]>([
    [
      'a review',
      object({
        sentiment: { enum: ['good', 'bad', null] },
        score: { type: 'number', minimum: 0, maximum: 1 },
      }),
    ],
    [
      'a nullable field',
      object({ note: { type: ['string', 'null'] }, count: { type: ['integer', 'boolean'] } }),
    ],
    ['a linked list', object({ list: { $ref: '#/$defs/node' } }, { $defs: { node: NODE } })],
    ['a tree by a reference to the root', ELEMENT],
    [
      'a recursion whose first branch never ends',
      object({ e: { $ref: '#/$defs/e' } }, { $defs: { e: EXPRESSION } }),
    ],
    [
      'references to each other',
      object(
        { a: { $ref: '#/$defs/a' } },
        {
          $defs: {
            a: object({ b: { type: 'array', items: { $ref: '#/$defs/b' } } }),
            b: object({ a: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/a' }] } }),
          },
        },
      ),
    ],
    [
      'a reference with a description and an escaped name',
      object(
        { a: { $ref: '#/$defs/x~1y%20z', description: 'A' } },
        { $defs: { 'x/y z': { type: 'integer' } } },
      ),
    ],
    [
      'a reference with more keywords',
      object({ a: { $ref: '#/$defs/n', maximum: 3 } }, { $defs: { n: { type: 'integer', minimum: 2 } } }),
    ],
    [
      'anyOf beside properties',
      {
        ...object({ kind: { type: 'string' } }),
        additionalProperties: true,
        anyOf: [object({ a: { type: 'integer' } }), object({ b: { const: 'b' } })].map(
          ({ additionalProperties: _, ...rest }) => rest,
        ),
      },
    ],
    [
      'oneOf with a constant per branch',
      {
        oneOf: [
          object({ kind: { const: 'a' }, n: { type: 'integer' } }),
          object({ kind: { const: 'b' }, s: { type: 'string' } }),
        ],
      },
    ],
    [
      'allOf',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
          { properties: { b: { type: 'boolean' } }, required: ['b'] },
        ],
      },
    ],
    [
      'optional properties',
      {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'integer' }, c: { type: 'null' } },
        minProperties: 2,
        required: ['b'],
      },
    ],
    ['a map', { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 3 }],
    [
      'a required name without a property',
      { type: 'object', required: ['x'], additionalProperties: { type: 'boolean' } },
    ],
    [
      'names that objects have',
      object({
        __proto__x: { type: 'string' },
        constructor: { type: 'integer' },
        toString: { type: 'null' },
      }),
    ],
    [
      'array sizes',
      object({
        two: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 },
        many: { type: 'array', items: { type: 'string' }, minItems: 30 },
        none: { type: 'array', items: { type: 'string' }, maxItems: 0 },
      }),
    ],
    [
      'unique items',
      { type: 'array', items: { enum: ['a', 'b', 'c', 'd'] }, minItems: 4, maxItems: 4, uniqueItems: true },
    ],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false, minItems: 2 },
    ],
    [
      'integers',
      object({
        a: { type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 5 },
        b: { type: 'integer', multipleOf: 7, minimum: 10 },
        c: { type: 'integer', maximum: -5 },
        d: { type: 'integer', minimum: 1e12 },
      }),
    ],
    [
      'numbers',
      object({
        a: { type: 'number', minimum: -130, maximum: 130 },
        b: { type: 'number', multipleOf: 0.1, exclusiveMinimum: 0, maximum: 3 },
        c: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 0.001 },
        d: { type: 'number', maximum: 5 },
        e: { type: 'number', multipleOf: 0.01 },
      }),
    ],
    [
      'the formats',
      object(
        Object.fromEntries(
          ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid', 'uri'].map(
            (format) => [format, { type: 'string', format }],
          ),
        ),
      ),
    ],
    [
      'lengths',
      object({
        long: { type: 'string', minLength: 200 },
        short: { type: 'string', maxLength: 3 },
        exact: { type: 'string', minLength: 7, maxLength: 7 },
        none: { type: 'string', maxLength: 0 },
      }),
    ],
    [
      'keywords without a type',
      object({
        a: { minimum: 3 },
        b: { minLength: 2 },
        c: { items: { type: 'null' } },
        d: { properties: {} },
        e: {},
        f: true,
      }),
    ],
    [
      'deep nesting',
      Array.from({ length: 10 }).reduce<Json>((inner) => object({ inner }), { type: 'string' }),
    ],
  ])('%s', (_, schema) => {
    validInstances(schema);
  });

  test.each([
    '^@[a-zA-Z0-9_]+$',
    '^\\d{5}(-\\d{4})?$',
    '^(?:\\+1)?[ -]?\\(?\\d{3}\\)?$',
    '[A-Z]{2,3}-\\w+',
    '^[^a-zA-Z0-9]{3}$',
    '^(red|green|blue)$',
    '^(?<year>\\d{4})-(0[1-9]|1[0-2])$',
    '^\\p{Lu}\\p{Ll}*$',
    '^\\u00e9+[\\u4e00-\\u4eff]$',
    '^.{4,}$',
    '^a*?b??c+?$',
    '^\\$\\d+\\.\\d{2}$',
    '^[\\]\\\\-]$',
    '',
  ])('a text matches the pattern %s', (pattern) => {
    validInstances(object({ text: { type: 'string', pattern } }));
  });

  test('a text matches its pattern and its length', () => {
    validInstances({ type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 3 });
  });

  test.each(['(?=a)b', '(a)\\1', '(', '('.repeat(50_000), 'a{100000}', '((a{99}){99}){99}'])(
    'an unsupported pattern gives a plain text: %.20s',
    (pattern) => {
      const text = instancesOf({ type: 'string', pattern })?.(seededRandom('any'));
      expect(text).toMatch(/^"[a-z ]+"$/);
    },
  );

  /** Schemas as structured outputs allow them, nested at random. */
  const { schema: anySchema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
    schema: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<JsonObject>(
        { type: 'string' },
        { type: 'boolean' },
        { type: 'null' },
        { type: 'string', format: 'date' },
        { type: 'string', pattern: '^[a-z]\\d{2}$' },
      ),
      fc
        .tuple(fc.integer({ min: -50, max: 50 }), fc.nat(20))
        .map(([minimum, width]) => ({ type: 'number', minimum, maximum: minimum + width })),
      fc
        .tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 9 }))
        .map(([minimum, multipleOf]) => ({ type: 'integer', minimum, multipleOf })),
      fc
        .uniqueArray(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 4 })
        .map((values) => ({ enum: values as Json[] })),
      fc
        .tuple(tie('schema'), fc.nat(3), fc.nat(3))
        .map(([items, minItems, more]) => ({ type: 'array', items, minItems, maxItems: minItems + more })),
      fc
        .dictionary(fc.string({ maxLength: 8 }), tie('schema'), { maxKeys: 4, noNullPrototype: true })
        .map((properties) => object(properties)),
      fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
      fc.constant(object({ next: { anyOf: [{ $ref: '#/$defs/root' }, { type: 'null' }] } })),
      fc.constant<JsonObject>({ type: 'array', items: { $ref: '#/$defs/root' } }),
    ),
  }));

  test('any schema of the subset', () => {
    fc.assert(
      fc.property(anySchema, fc.string(), (root, seed) => {
        const schema = { $defs: { root }, $ref: '#/$defs/root' };
        const maker = instancesOf(schema) ?? expect.fail('no finite instance');
        const ajv = new Ajv2020({ strict: false });
        addFormats.default(ajv);
        const text = maker(seededRandom(seed));
        if (!ajv.validate(schema, JSON.parse(text))) expect.fail(`${ajv.errorsText()} in ${text}`);
      }),
      { numRuns: 60 },
    );
  });
});

describe('instances', () => {
  test('the same seed gives the same, and other seeds give others', () => {
    const instances = validInstances(ELEMENT).map((instance) => JSON.stringify(instance));
    expect(validInstances(ELEMENT).map((instance) => JSON.stringify(instance))).toEqual(instances);
    expect(new Set(instances).size).toBeGreaterThan(30);
  });

  test('the properties have the order of the schema', () => {
    const [first] = validInstances(
      object({ zebra: { type: 'null' }, 10: { type: 'null' }, apple: { type: 'null' } }),
    );
    expect(JSON.stringify(first)).toMatch(/"zebra".*"apple"/);
  });

  test('each value of an enum and each branch occurs', () => {
    const choices = object({
      a: { enum: ['x', 'y', 'z'] },
      b: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
    });
    const seen = validInstances(choices).map((instance) => Object(instance));
    expect(new Set(seen.map(({ a }) => a)).size).toBe(3);
    expect(new Set(seen.map(({ b }) => typeof b))).toEqual(new Set(['number', 'object']));
  });

  test.each<[string, Json]>([
    ['an object that requires itself', object({ self: { $ref: '#' } })],
    ['false', false],
    ['an empty enum', { enum: [] }],
    ['a reference to itself', { $ref: '#' }],
  ])('%s has none', (_, schema) => {
    expect(instancesOf(schema)).toBeNull();
  });

  test('a hostile schema ends', () => {
    const huge = instancesOf({
      type: 'array',
      minItems: 1e9,
      items: { type: 'array', minItems: 1e9, items: {} },
    });
    expect(huge?.(seededRandom('a')).length).toBeLessThan(2_000_000);
    const deep = Array.from({ length: 5_000 }).reduce<Json>(
      (items) => ({ type: 'array', minItems: 1, items }),
      {},
    );
    expect(instancesOf(deep)?.(seededRandom('a'))).toMatch(/^\[/);
    const branching = { allOf: [{ $ref: '#' }, { properties: { a: { $ref: '#' }, b: { $ref: '#' } } }] };
    expect(() => instancesOf(branching)).not.toThrow();
  });
});

describe('a strict schema', () => {
  test.each<[string, Json, RegExp]>([
    [
      'with optional properties',
      { ...object({ a: {}, b: {} }), required: ['a'] },
      /^In context=\(\), 'required' .* Missing 'b'\.$/,
    ],
    [
      'that allows other properties',
      { type: 'object', properties: {}, required: [] },
      /^In context=\(\), 'additionalProperties'/,
    ],
    [
      'with such an object in it',
      object({ a: { type: 'array', items: { type: 'object' } } }),
      /^In context=\('properties', 'a', 'items'\), 'additionalProperties'/,
    ],
    [
      'with such a definition',
      object({}, { $defs: { d: { type: 'object' } } }),
      /^In context=\('\$defs', 'd'\)/,
    ],
    [
      'with such a branch',
      object({ a: { anyOf: [{ type: 'null' }, { type: ['object', 'null'] }] } }),
      /'anyOf', '1'\)/,
    ],
    ['that is an array', { type: 'array', items: {} }, /'type: "object"', got 'type: "array"'/],
    ['that is anyOf', { anyOf: [object({})] }, /got 'type: "None"'/],
  ])('%s is refused', (_, schema, words) => {
    expect(strictProblem(schema)).toMatch(words);
  });

  test.each<[string, Json]>([
    ["of OpenAI's guide", ELEMENT],
    ['with definitions', object({ list: { $ref: '#/$defs/node' } }, { $defs: { node: NODE } })],
  ])('%s is accepted', (_, schema) => {
    expect(strictProblem(schema)).toBeNull();
  });
});
