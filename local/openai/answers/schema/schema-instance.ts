/**
 * Instances of a JSON Schema: reproducible, valid, and small.
 *
 * It supports what OpenAI's structured outputs allow: types, `enum`, `const`, `anyOf`, `$ref` and `$defs` with recursion,
 * `required`, `additionalProperties`, the sizes of arrays, ranges and multiples of numbers, formats, and patterns without
 * lookarounds ([source](https://platform.openai.com/docs/guides/structured-outputs#supported-schemas)); also `allOf`,
 * `oneOf`, `prefixItems`, `uniqueItems` and the lengths of texts.
 *
 * Known gaps: it ignores `not`, `if`, `contains`, `patternProperties`, `propertyNames`, `dependentRequired`, `$anchor` and
 * references to other documents.
 */
import type { Random } from '../../faults/seeded-random.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { array, choice, measureAll, object, Part, scalar } from './instance-parts.ts';
import { mergeSchemas } from './merge-schemas.ts';
import { numberText } from './number-text.ts';
import { stringText } from './string-text.ts';
import { words } from './words.ts';

const MAX_NESTING = 200; // OpenAI allows 10 levels
const MAX_PARTS = 50_000; // OpenAI allows 5,000 properties
const USUAL_VALUES = 40;
const ANNOTATIONS = new Set([
  '$ref',
  'title',
  'description',
  'default',
  'examples',
  '$comment',
  '$defs',
  'definitions',
]);
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

/** Returns a maker of instances, as JSON text; null if every instance would be infinite. */
export function instancesOf(schema: Json): ((random: Random) => string) | null {
  const compiler = new Compiler(schema);
  const root = compiler.partOf(schema, 0);
  measureAll(compiler.parts);
  if (root.height === Number.POSITIVE_INFINITY) return null;
  const enough = USUAL_VALUES + 2 * compiler.parts.length;
  return (random) => root.text({ random, values: 0, depth: 0, enough });
}

class Compiler {
  readonly parts: Part[] = [];
  readonly #root: Json;
  readonly #known = new Map<JsonObject, Part>();

  constructor(root: Json) {
    this.#root = root;
  }

  partOf(schema: Json | undefined, nesting: number): Part {
    if (!isJsonObject(schema) || nesting > MAX_NESTING || this.parts.length > MAX_PARTS) {
      return this.#plain(schema);
    }
    const known = this.#known.get(schema);
    if (known) return known;
    const part = this.#new();
    this.#known.set(schema, part);
    return this.#filled(part, schema, nesting + 1);
  }

  #new(): Part {
    const part = new Part();
    this.parts.push(part);
    return part;
  }

  /** `false` allows nothing; everything else allows a text. */
  #plain(schema: Json | undefined): Part {
    if (schema === false)
      return this.#new().fill(
        () => Number.POSITIVE_INFINITY,
        () => 'null',
      );
    return scalar(this.#new(), (random) => JSON.stringify(words(random)));
  }

  #filled(part: Part, schema: JsonObject, nesting: number): Part {
    if (typeof schema.$ref === 'string') return this.#reference(part, schema, schema.$ref, nesting);
    if (Array.isArray(schema.allOf)) {
      const { allOf, ...rest } = schema;
      return this.#same(
        part,
        allOf.map((schema) => this.#resolved(schema)).reduce(mergeSchemas, rest),
        nesting,
      );
    }
    if (schema.const !== undefined) return this.#literals(part, [schema.const]);
    if (Array.isArray(schema.enum))
      return this.#literals(
        part,
        schema.enum.filter((value) => isOfType(value, schema.type)),
      );
    for (const keyword of ['anyOf', 'oneOf']) {
      const branches = schema[keyword];
      if (!Array.isArray(branches)) continue;
      const { [keyword]: _, ...rest } = schema;
      return this.#choice(
        part,
        branches.map((branch) => this.#narrowed(rest, branch)),
        nesting,
      );
    }
    if (Array.isArray(schema.type)) {
      return this.#choice(
        part,
        schema.type.map((type) => ({ ...schema, type })),
        nesting,
      );
    }
    return this.#ofType(part, schema, nesting);
  }

  /** Fills the part like that of another schema. */
  #same(part: Part, schema: Json, nesting: number): Part {
    const other = this.partOf(schema, nesting);
    return part.fill(
      () => other.height,
      (writing) => other.text(writing),
    );
  }

  #reference(part: Part, schema: JsonObject, reference: string, nesting: number): Part {
    const target = this.#target(reference);
    const isAlone = Object.keys(schema).every((name) => ANNOTATIONS.has(name));
    if (isAlone) return this.#same(part, target ?? true, nesting);
    const { $ref: _, ...rest } = schema;
    return this.#same(part, mergeSchemas(target ?? true, rest), nesting);
  }

  /** Returns what the reference points to: the whole schema or a place in it. */
  #target(reference: string): Json | undefined {
    if (reference === '#') return this.#root;
    if (!reference.startsWith('#/')) return undefined;
    let place: Json | undefined = this.#root;
    for (const step of reference.slice(2).split('/')) {
      const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(place)) place = place[Number(name)];
      else place = isJsonObject(place) && Object.hasOwn(place, name) ? place[name] : undefined;
    }
    return place;
  }

  /** Returns the schema, or the one it refers to, so that both can be merged with others. */
  #resolved(schema: Json): Json {
    if (!isJsonObject(schema) || typeof schema.$ref !== 'string') return schema;
    const { $ref, ...rest } = schema;
    return mergeSchemas(this.#target($ref) ?? true, rest);
  }

  /** Returns a branch together with the keywords beside `anyOf`, if they say anything. */
  #narrowed(rest: JsonObject, branch: Json): Json {
    if (Object.keys(rest).every((name) => ANNOTATIONS.has(name))) return branch;
    return mergeSchemas(rest, this.#resolved(branch));
  }

  #choice(part: Part, schemas: readonly Json[], nesting: number): Part {
    const isNull = (schema: Json) => isJsonObject(schema) && schema.type === 'null';
    const ordered = [...schemas.filter((schema) => !isNull(schema)), ...schemas.filter(isNull)];
    const branches = ordered.map((schema) => this.partOf(schema, nesting));
    return choice(part, branches, isNull(ordered.at(-1) ?? true));
  }

  #literals(part: Part, values: readonly Json[]): Part {
    if (values.length === 0)
      return part.fill(
        () => Number.POSITIVE_INFINITY,
        () => 'null',
      );
    const texts = values.map((value) => JSON.stringify(value));
    return scalar(part, (random) => texts[Math.floor(random() * texts.length)] ?? 'null');
  }

  #ofType(part: Part, schema: JsonObject, nesting: number): Part {
    switch (typeOf(schema)) {
      case 'object':
        return this.#object(part, schema, nesting);
      case 'array':
        return this.#array(part, schema, nesting);
      case 'number':
        return scalar(part, numberText(schema, false));
      case 'integer':
        return scalar(part, numberText(schema, true));
      case 'boolean':
        return scalar(part, (random) => (random() < 0.5 ? 'true' : 'false'));
      case 'null':
        return scalar(part, () => 'null');
      default: {
        const text = stringText(schema);
        return scalar(part, (random) => JSON.stringify(text(random)));
      }
    }
  }

  #object(part: Part, schema: JsonObject, nesting: number): Part {
    const declared = isJsonObject(schema.properties) ? schema.properties : {};
    const required = new Set(Array.isArray(schema.required) ? schema.required : []);
    const others = [...required].filter((name) => typeof name === 'string' && !Object.hasOwn(declared, name));
    const extra = schema.additionalProperties;
    const properties = [...Object.keys(declared), ...others].map((key) => {
      const name = String(key);
      const value = Object.hasOwn(declared, name) ? declared[name] : extra;
      return { name, part: this.partOf(value, nesting), isRequired: required.has(name) };
    });
    const more = isJsonObject(extra) || extra === true ? this.partOf(extra, nesting) : null;
    return object(
      part,
      properties,
      extra === undefined ? this.#plain(true) : more,
      countOf(schema.minProperties, 0),
    );
  }

  #array(part: Part, schema: JsonObject, nesting: number): Part {
    const list = schema.prefixItems ?? schema.items;
    const first = Array.isArray(list) ? list.map((item) => this.partOf(item, nesting)) : [];
    const others = Array.isArray(schema.items) ? schema.additionalItems : schema.items;
    const rest = others === false ? null : this.partOf(others, nesting);
    return array(part, first, rest, {
      least: countOf(schema.minItems, 0),
      most: countOf(schema.maxItems, Number.POSITIVE_INFINITY),
      isUnique: schema.uniqueItems === true,
    });
  }
}

/** Returns the type that the schema names or, by its keywords, means. */
function typeOf(schema: JsonObject): Json {
  const { type } = schema;
  if (typeof type === 'string' && TYPES.includes(type)) return type;
  const has = (...names: string[]) => names.some((name) => schema[name] !== undefined);
  if (has('properties', 'required', 'additionalProperties', 'minProperties')) return 'object';
  if (has('items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems')) return 'array';
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return 'number';
  return 'string';
}

function isOfType(value: Json, type: Json | undefined): boolean {
  if (type === undefined) return true;
  const types: readonly Json[] = Array.isArray(type) ? type : [type];
  if (value === null) return types.includes('null');
  if (Array.isArray(value)) return types.includes('array');
  return types.includes(typeof value) || (Number.isInteger(value) && types.includes('integer'));
}

function countOf(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? Math.floor(value) : otherwise;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
