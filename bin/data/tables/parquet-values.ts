/**
 * Values of Parquet as text that keeps every digit. Integers and decimals are written in full, dates and times as in
 * ISO 8601.
 */

const DAY_MS = 86_400_000;

/** Text that is JSON already, such as a value of the type JSON. */
export class JsonText {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }
}

/** Bytes that are not UTF-8 text, in a column of text. */
export class NotText {}

/** A value that JSON cannot express. */
export class NotJson extends Error {
  override readonly name = 'NotJson';
}

/** Returns `2026-11-29T10:17:00.123456`, and `Z` if the time is in UTC. `count`: units since the epoch. */
export function timestampText(count: bigint, unitsPerSecond: bigint, zone: 'Z' | ''): string {
  const seconds = floorDivide(count, unitsPerSecond);
  const fraction = count - seconds * unitsPerSecond;
  const whole = new Date(Number(seconds) * 1_000).toISOString().replace('.000Z', '');
  return `${whole}${fractionText(fraction, unitsPerSecond)}${zone}`;
}

/** Returns `2026-11-29`. */
export function dateText(days: number): string {
  return new Date(days * DAY_MS).toISOString().replace('T00:00:00.000Z', '');
}

/** Returns `10:17:00.123456`. `count`: units since midnight. */
export function timeText(count: bigint, unitsPerSecond: bigint): string {
  return timestampText(count, unitsPerSecond, '').replace('1970-01-01T', '');
}

/** Returns `-12.30` for -1230 with scale 2. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  const fraction = scale > 0 ? `.${digits.slice(point)}` : '';
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`;
}

/** Returns the number that these bytes are in two's complement, the most significant byte first. */
export function bigEndianNumber(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

/** Returns a value of a list, a map or a struct as JSON text. Errors: NotJson. */
export function jsonOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (value instanceof JsonText) return value.json;
  if (value instanceof NotText) throw new NotJson('it has text that is not valid UTF-8');
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotJson(`JSON has no number ${value}`);
    return String(value);
  }
  if (value instanceof Uint8Array) throw new NotJson('it has bytes, which are not text');
  if (ArrayBuffer.isView(value)) return `[${Array.from(numbersOf(value), jsonOf).join(',')}]`;
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${jsonOf(member)}`);
  return `{${members.join(',')}}`;
}

function numbersOf(view: ArrayBufferView): Iterable<unknown> {
  if (Symbol.iterator in view) return Object.values(view);
  throw new NotJson('it has bytes, which are not text');
}

function fractionText(fraction: bigint, unitsPerSecond: bigint): string {
  if (fraction === 0n) return '';
  const digits = fraction.toString().padStart(unitsPerSecond.toString().length - 1, '0');
  return `.${digits}`;
}

function floorDivide(count: bigint, by: bigint): bigint {
  const quotient = count / by;
  return count % by < 0n ? quotient - 1n : quotient;
}
