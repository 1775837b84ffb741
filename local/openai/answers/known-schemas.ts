import type { Random } from '../faults/seeded-random.ts';
import { isJsonObject, type Json } from '../json.ts';
import { instancesOf } from './schema/schema-instance.ts';
import { strictProblem } from './strict-schema.ts';

/** What the server knows of a schema. */
interface KnownSchema {
  /** Returns an instance as JSON text; null if it would be infinite. */
  readonly instance: ((random: Random) => string) | null;
  /** What is wrong with it if it is strict. */
  readonly strictProblem: string | null;
}

const SCHEMAS_KEPT = 32;
const MAX_KEPT_SCHEMA = 200_000;

/** The last schemas, by their text: the rows of a file usually share one. */
const byText = new Map<string, KnownSchema>();
/** The schemas of the row at hand, which is asked for several times. */
const byObject = new WeakMap<object, KnownSchema>();

/** Returns what is known of a schema, which is compiled once. */
export function knownSchema(schema: Json): KnownSchema {
  const object = isJsonObject(schema) ? schema : null;
  const same = object && byObject.get(object);
  if (same) return same;
  const text = JSON.stringify(schema);
  const known = byText.get(text) ?? { instance: instancesOf(schema), strictProblem: strictProblem(schema) };
  if (object) byObject.set(object, known);
  if (text.length <= MAX_KEPT_SCHEMA) keep(text, known);
  return known;
}

function keep(text: string, known: KnownSchema): void {
  const [oldest] = byText.keys();
  if (byText.size >= SCHEMAS_KEPT && !byText.has(text) && oldest !== undefined) byText.delete(oldest);
  byText.set(text, known);
}
