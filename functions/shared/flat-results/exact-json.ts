/**
 * JSON without a change of its numbers. `JSON.parse` rounds 9007199254740993 to 9007199254740992, and a table must not.
 */

declare global {
  // TypeScript's library lacks them; Node has them since version 21.
  interface JSON {
    rawJSON(text: string): ExactNumber;
    isRawJSON(value: unknown): value is ExactNumber;
  }
}

/** A number that a JavaScript number would round, as the text has it. `JSON.stringify` writes that text. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** What a number of more than 15 digits, or one with a large exponent, contains. It may also be within a string. */
const MAY_BE_ROUNDED = /[\d.]{16}|\d[eE][+-]?\d{2}/;

const EXACT_DIGITS = 15; // any decimal number of so many digits survives a double

/** Parses JSON. A number that would be rounded becomes an `ExactNumber`. Errors: SyntaxError. */
export function parseExact(text: string): unknown {
  if (!MAY_BE_ROUNDED.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return isRounded(value, context.source) ? JSON.rawJSON(context.source) : value;
  });
}

function isRounded(value: number, source: string): boolean {
  if (String(value) === source) return false;
  const digits = (source.split(/[eE]/)[0] ?? '').replace(/^-?[0.]*/, '').replace('.', '');
  return digits.length > EXACT_DIGITS || !Number.isFinite(value) || (value === 0 && digits !== '');
}

/** Returns whether the value is a number, rounded or not. */
export function isNumber(value: unknown): value is number | ExactNumber {
  return typeof value === 'number' || JSON.isRawJSON(value);
}

const WHOLE = /^-?\d+(\.0+)?$/;

/** Returns whether the number is whole. */
export function isWhole(value: number | ExactNumber): boolean {
  return typeof value === 'number' ? Number.isInteger(value) : WHOLE.test(value.rawJSON);
}

/** Returns the number as the nearest double; undefined if the value is none. */
export function numberOf(value: unknown): number | undefined {
  if (JSON.isRawJSON(value)) return Number(value.rawJSON);
  return typeof value === 'number' ? value : undefined;
}

/** Returns a whole number exactly; undefined if the value is none. */
export function wholeNumberOf(value: unknown): bigint | undefined {
  if (!isNumber(value) || !isWhole(value)) return undefined;
  return BigInt(typeof value === 'number' ? value : (value.rawJSON.split('.')[0] ?? ''));
}
