/**
 * The columns of an answer, from the JSON schema that its request asks for: one for each property of the schema's
 * object. A table of several schemas has the columns of all of them.
 */
import type { ColumnType } from '../domain/results/flat-results.ts';
import { hasFields } from '../result-lines/row-tokens.ts';
import { type ExactNumber, isNumber, isWhole } from './exact-json.ts';

/** A value of a column; null is an empty cell. */
export type Cell = string | number | boolean | null | ExactNumber | object;

/** How the answers to one schema fill the columns: each property, its type, and whether it may be null or absent. */
export type SchemaColumns = ReadonlyMap<
  string,
  { type: ColumnType; mayBeNull: boolean; mayBeAbsent: boolean }
>;

/**
 * The columns of all answers, and the characters of their names. More would be a table that nobody reads, and the progress
 * of a job must fit in its item of 400 KB.
 */
export const MAX_ANSWER_COLUMNS = { count: 500, characters: 20_000 };

const MAX_REFS = 16; // a chain of `$ref` as long as this is a circle

/** `nested`: an object or a list. `any`: the schema does not say. */
type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'nested' | 'any';

/** Returns the columns of a schema; undefined if it does not describe an object with named properties. */
export function schemaColumns(schema: unknown): SchemaColumns | undefined {
  const root = resolved(schema, schema);
  if (!hasFields(root.properties) || Array.isArray(root.properties)) return undefined;
  const required = new Set(Array.isArray(root.required) ? root.required : []);
  const columns = Object.entries(root.properties).map(([name, property]) => {
    const types = typesOf(property, schema);
    const of = { type: columnType(types), mayBeNull: types.has('null') || types.has('any') };
    return [name, { ...of, mayBeAbsent: !required.has(name) }] as const;
  });
  return columns.length > 0 ? new Map(columns) : undefined;
}

/** Returns the type of a column that has values of both types. */
export function commonType(one: ColumnType, other: ColumnType): ColumnType {
  if (one === other) return one;
  const areNumbers = [one, other].every((type) => type === 'integer' || type === 'number');
  return areNumbers ? 'number' : 'json';
}

/** Returns whether the value, which is not null, has the type. */
export function isOfType(value: unknown, type: ColumnType): value is Cell {
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'integer':
      return isNumber(value) && isWhole(value);
    case 'number':
      return isNumber(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'json':
      return true;
  }
}

const COLUMN_TYPES: Readonly<Record<Exclude<JsonType, 'null'>, ColumnType>> = {
  string: 'text',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
  nested: 'json',
  any: 'json',
};

function columnType(types: ReadonlySet<JsonType>): ColumnType {
  const columns = [...types].flatMap((type) => (type === 'null' ? [] : [COLUMN_TYPES[type]]));
  return columns.length > 0 ? columns.reduce(commonType) : 'json';
}

/** Returns all types that a value of this schema may have. */
function typesOf(schema: unknown, root: unknown, refs = 0): Set<JsonType> {
  if (refs > MAX_REFS) return new Set(['any']);
  const { type, anyOf, oneOf, enum: values, ...rest } = resolved(schema, root);
  if (type !== undefined) return new Set([type].flat().map(jsonType));
  const options = anyOf ?? oneOf;
  if (Array.isArray(options))
    return new Set(options.flatMap((option: unknown) => [...typesOf(option, root, refs + 1)]));
  if (Array.isArray(values)) return new Set(values.map(typeOfValue));
  if ('const' in rest) return new Set([typeOfValue(rest.const)]);
  return new Set(['properties' in rest || 'items' in rest ? 'nested' : 'any']);
}

function jsonType(name: unknown): JsonType {
  if (name === 'object' || name === 'array') return 'nested';
  const known = (['string', 'integer', 'number', 'boolean', 'null'] as const).find((each) => each === name);
  return known ?? 'any';
}

function typeOfValue(value: unknown): JsonType {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return jsonType(typeof value);
}

/** Returns the schema that a chain of references within the root ends at; without fields if it ends at none. */
function resolved(schema: unknown, root: unknown): Record<string, unknown> {
  let found = schema;
  for (let refs = 0; refs < MAX_REFS; refs += 1) {
    if (!hasFields(found)) return {};
    if (typeof found.$ref !== 'string') return found;
    found = at(root, found.$ref);
  }
  return {};
}

/** Returns what a JSON pointer such as `#/$defs/mood` names. */
function at(root: unknown, ref: string): unknown {
  const [start, ...names] = ref.split('/');
  let found: unknown = start === '#' ? root : undefined;
  for (const name of names) {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~');
    found = hasFields(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  }
  return found;
}
