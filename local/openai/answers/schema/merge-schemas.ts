import { isJsonObject, type Json, type JsonObject } from '../../json.ts';

const LARGEST_OF_BOTH = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const SMALLEST_OF_BOTH = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];

/**
 * Returns a schema whose instances satisfy both, as far as their keywords can be combined: of two values that cannot be,
 * for example two patterns, the second one stays.
 */
export function mergeSchemas(first: Json, second: Json): Json {
  if (first === false || second === false) return false;
  if (!isJsonObject(first)) return second;
  if (!isJsonObject(second)) return first;
  const merged: Record<string, Json> = { ...first, ...second };
  for (const name of Object.keys(second)) {
    const [one, other] = [first[name], second[name]];
    if (one !== undefined && other !== undefined) merged[name] = mergedKeyword(name, one, other);
  }
  return merged;
}

function mergedKeyword(name: string, one: Json, other: Json): Json {
  if (name === 'properties' && isJsonObject(one) && isJsonObject(other)) return mergedProperties(one, other);
  if (name === 'items' || name === 'additionalProperties') return mergeSchemas(one, other);
  if (name === 'required') return [...new Set([...listOf(one), ...listOf(other)])];
  if (name === 'type') return commonTypes(listOf(one), listOf(other));
  if (name === 'enum') return common(listOf(one), listOf(other));
  if (typeof one === 'number' && typeof other === 'number') {
    if (LARGEST_OF_BOTH.includes(name)) return Math.max(one, other);
    if (SMALLEST_OF_BOTH.includes(name)) return Math.min(one, other);
  }
  return other;
}

function mergedProperties(one: JsonObject, other: JsonObject): JsonObject {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries(
    [...names].map((name) => [name, mergeSchemas(one[name] ?? true, other[name] ?? true)]),
  );
}

function commonTypes(one: readonly Json[], other: readonly Json[]): Json[] {
  const isIn = (type: Json, types: readonly Json[]) =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  return [
    ...new Set([...one.filter((type) => isIn(type, other)), ...other.filter((type) => isIn(type, one))]),
  ];
}

function common(one: readonly Json[], other: readonly Json[]): Json[] {
  const texts = new Set(other.map((value) => JSON.stringify(value)));
  return one.filter((value) => texts.has(JSON.stringify(value)));
}

function listOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [value];
}
