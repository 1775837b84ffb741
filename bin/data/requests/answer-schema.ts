/**
 * Adds a JSON Schema for the answers to the body of the requests, where the endpoint expects it. OpenAI answers a
 * request with a schema that it cannot enforce with an error, row by row, so such a schema is refused here.
 */
import type { Endpoint } from '../../../functions/shared/contract/request-file.ts';
import { Failure } from '../../terminal/failure.ts';

type JsonObject = Record<string, unknown>;

/** A schema with what OpenAI wants to know about it. */
interface NamedSchema {
  readonly name: string;
  readonly schema: JsonObject;
  readonly strict: boolean;
}

const MAX_NAME = 64;

/**
 * Returns the body with the schema. `content`: a JSON Schema, or `{"name", "schema", "strict"}` as in OpenAI's
 * documentation. `file`: its name, from which the schema gets a name if it has no title. Throws a Failure.
 */
export function withSchema(body: JsonObject, endpoint: Endpoint, content: unknown, file: string): JsonObject {
  const named = namedSchema(content, file);
  if (endpoint === '/v1/chat/completions') {
    refuseSecond(body.response_format, 'response_format');
    return { ...body, response_format: { type: 'json_schema', json_schema: named } };
  }
  if (endpoint === '/v1/responses') {
    const text = body.text ?? {};
    if (!isObject(text)) throw new Failure('`text` in the template must be an object.');
    refuseSecond(text.format, 'text.format');
    return { ...body, text: { ...text, format: { type: 'json_schema', ...named } } };
  }
  throw new Failure(`--schema works with /v1/chat/completions and /v1/responses, not with ${endpoint}.`);
}

function refuseSecond(found: unknown, where: string): void {
  if (found !== undefined)
    throw new Failure(`The template has ${where} already. Remove it, or omit --schema.`);
}

function namedSchema(content: unknown, file: string): NamedSchema {
  if (!isObject(content)) throw new Failure(`${file} must be a JSON Schema, an object.`);
  const isWrapped = isObject(content.schema) && typeof content.name === 'string';
  const schema = isWrapped && isObject(content.schema) ? content.schema : content;
  const title = isWrapped ? content.name : schema.title;
  const base = file.replace(/^.*[/\\]/, '').replace(/(\.schema)?\.json$/i, '');
  const strict = !isWrapped || content.strict !== false;
  const problem = strict ? strictProblem(schema) : undefined;
  if (problem !== undefined) {
    throw new Failure(
      `${file}: ${problem}. OpenAI requires this of a strict schema. For a schema that is not strict, write {"name": …, "strict": false, "schema": …}.`,
    );
  }
  return { name: schemaName(typeof title === 'string' ? title : base), schema, strict };
}

function schemaName(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9_-]+/g, '_').slice(0, MAX_NAME) || 'answer';
}

function strictProblem(schema: JsonObject): string | undefined {
  if (schema.type !== 'object') return 'the schema must have "type": "object" at its top';
  return objectsProblem(schema, '#');
}

/** Every object lists all its properties as required, and allows no others. */
function objectsProblem(schema: JsonObject, path: string): string | undefined {
  const { properties, required, additionalProperties, type } = schema;
  if (type === 'object' || (Array.isArray(type) && type.includes('object')) || properties !== undefined) {
    if (additionalProperties !== false) return `${path} must have "additionalProperties": false`;
    const names = isObject(properties) ? Object.keys(properties) : [];
    const missing = names.find((name) => !Array.isArray(required) || !required.includes(name));
    if (missing !== undefined) return `${path} must list ${JSON.stringify(missing)} in "required"`;
  }
  for (const [where, inner] of innerSchemas(schema)) {
    const problem = objectsProblem(inner, `${path}/${where}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function* innerSchemas(schema: JsonObject): Generator<[string, JsonObject]> {
  for (const keyword of ['properties', '$defs', 'definitions', 'anyOf', 'items']) {
    const found = schema[keyword];
    if (keyword === 'items') {
      if (isObject(found)) yield [keyword, found];
    } else if (typeof found === 'object' && found !== null) {
      for (const [name, inner] of Object.entries(found))
        if (isObject(inner)) yield [`${keyword}/${name}`, inner];
    }
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
