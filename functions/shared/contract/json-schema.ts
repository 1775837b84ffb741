/** A JSON Schema of draft 2020-12. Objects are open: fields may be added, none is taken away. */
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

/** An object with these fields. */
export function objectOf(required: JsonFields, optional: JsonFields = {}): JsonSchema {
  return { type: 'object', properties: { ...required, ...optional }, required: Object.keys(required) };
}

/** One of some texts. */
export function oneOfTexts(values: readonly string[]): JsonSchema {
  return { type: 'string', enum: values };
}

export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** The schema with a sentence for its reader. */
export function said(description: string, schema: JsonSchema): JsonSchema {
  return { ...schema, description };
}
