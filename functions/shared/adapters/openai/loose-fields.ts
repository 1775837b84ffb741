/*
 * Reads fields of responses that may be missing or have any value (rule 6 of "What an answer is worth",
 * docs/architecture.md). Undefined, null, "" and unusable values all count as not set.
 */

/** Any field of a response may be missing or have any value. */
export type Loose<T> = { readonly [K in keyof T]?: unknown };

const EARLIEST = Date.UTC(2020, 0); // before the Batch API existed
const LATEST = Date.UTC(2100, 0);
const MAX_SECONDS = 1e11; // a larger number is in milliseconds

export function isObject<T>(value: unknown): value is Loose<T> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Returns a count; undefined for anything but a whole number of at least 0. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Returns a time in milliseconds: Unix seconds or milliseconds, also as text, or an ISO date. */
export function timeOf(value: unknown): number | undefined {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' ? Number(value || 'none') : Number.NaN;
  const time = Number.isNaN(number)
    ? Date.parse(textOf(value) ?? '')
    : Math.round(number < MAX_SECONDS ? number * 1000 : number);
  return time >= EARLIEST && time < LATEST ? time : undefined;
}

/** Returns the object without its undefined fields. */
export function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const name in fields) {
    const value = fields[name];
    if (isPresent(value)) kept[name] = value;
  }
  return kept;
}

function isPresent<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}
