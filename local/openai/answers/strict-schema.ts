/** The rules that OpenAI applies to a schema with `strict: true`, and the words in which it refuses one. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

const MAX_NESTING = 100;
const LISTS = ['anyOf', 'allOf', 'oneOf', 'prefixItems'];
const MAPS = ['properties', '$defs', 'definitions'];

/** Returns what is wrong with a strict schema; null if nothing is. */
export function strictProblem(schema: Json): string | null {
  if (!isJsonObject(schema)) return 'schema must be a JSON Schema object.';
  if (schema.type !== 'object' && schema.$ref === undefined) {
    const type = typeof schema.type === 'string' ? schema.type : 'None';
    return `schema must be a JSON Schema of 'type: "object"', got 'type: "${type}"'.`;
  }
  return problemIn(schema, []);
}

function problemIn(schema: Json | undefined, place: readonly string[]): string | null {
  if (!isJsonObject(schema) || place.length > MAX_NESTING) return null;
  return objectProblem(schema, place) ?? nestedProblem(schema, place);
}

function objectProblem(schema: JsonObject, place: readonly string[]): string | null {
  const isObject = schema.type === 'object' || (Array.isArray(schema.type) && schema.type.includes('object'));
  if (!isObject) return null;
  const context = `In context=(${place.map((step) => `'${step}'`).join(', ')}${place.length === 1 ? ',' : ''})`;
  if (schema.additionalProperties !== false) {
    return `${context}, 'additionalProperties' is required to be supplied and to be false.`;
  }
  const names = isJsonObject(schema.properties) ? Object.keys(schema.properties) : [];
  const required = Array.isArray(schema.required) ? schema.required : [];
  const missing = names.find((name) => !required.includes(name));
  if (missing === undefined) return null;
  return (
    `${context}, 'required' is required to be supplied and to be an array including every key in properties. ` +
    `Missing '${missing}'.`
  );
}

function nestedProblem(schema: JsonObject, place: readonly string[]): string | null {
  for (const name of MAPS) {
    const map = schema[name];
    if (!isJsonObject(map)) continue;
    for (const [key, value] of Object.entries(map)) {
      const problem = problemIn(value, [...place, name, key]);
      if (problem !== null) return problem;
    }
  }
  for (const name of LISTS) {
    const list = schema[name];
    if (!Array.isArray(list)) continue;
    for (const [at, value] of list.entries()) {
      const problem = problemIn(value, [...place, name, String(at)]);
      if (problem !== null) return problem;
    }
  }
  return problemIn(schema.items, [...place, 'items']);
}
