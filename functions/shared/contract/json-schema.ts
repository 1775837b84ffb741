/**
 * A JSON Schema of draft 2020-12. Objects are open: later versions may add fields, but remove none.
 * @example { type: 'object', properties: { jobId: { type: 'string' } }, required: ['jobId'] }
 */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** Fields of an object by name. */
export interface JsonFields {
  readonly [name: string]: JsonSchema;
}

export const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

export const anyText: JsonSchema = { type: 'string' };
export const text: JsonSchema = { type: 'string', minLength: 1 };
export const count: JsonSchema = { type: 'integer', minimum: 0 };
export const fromOne: JsonSchema = { type: 'integer', minimum: 1 };
export const moment: JsonSchema = { type: 'string', format: 'date-time' };
export const pairs: JsonSchema = { type: 'object', additionalProperties: anyText };

/** Returns the schema of an object with these fields. */
export function objectOf(required: JsonFields, optional: JsonFields = {}): JsonSchema {
  return { type: 'object', properties: { ...required, ...optional }, required: Object.keys(required) };
}

/** Returns the schema of a text with one of these values. */
export function oneOfTexts(values: readonly string[]): JsonSchema {
  return { type: 'string', enum: values };
}

export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** Returns the schema with a description. */
export function said(description: string, schema: JsonSchema): JsonSchema {
  return { ...schema, description };
}
