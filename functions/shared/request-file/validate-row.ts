import { isUtf8 } from 'node:buffer';
import {
  ENDPOINTS,
  type Endpoint,
  FILE_LIMITS,
  isEndpoint,
  REQUIRED_FIELDS,
} from '../contract/request-file.ts';
import { type BoundField, outputBound } from '../domain/money/output-bounds.ts';

/** The fields of a row that the plan needs. */
export interface Row {
  customId: string;
  endpoint: string;
  model: string;
  /** 0 for endpoints other than embeddings. */
  embeddingInputs: number;
  /** The most output tokens that its answer may have; infinity if nothing limits it. */
  outputBound: number;
}

/** A row, or the problem found in it. */
type CheckedRow = { row: Row } | { code: string; message: string };

/** A parsed array takes about 50 bytes per byte of JSON, so 32 MiB of arrays would exceed the function's memory. */
export const COMPLEXITY = {
  /** A line of at most this many bytes is never too complex. */
  bytes: 1_000_000,
  arraysAndObjects: 1_000_000,
} as const;

/** Checks one line of a request file like OpenAI's validation, but slightly more strictly. */
export function validateRow(bytes: Uint8Array): CheckedRow {
  if (!isUtf8(bytes)) return fault('invalid_utf8', 'the line is not valid UTF-8');
  const { arraysAndObjects: most } = COMPLEXITY;
  if (bytes.length > COMPLEXITY.bytes && arraysAndObjectsIn(bytes) > most) {
    return fault('row_too_complex', `the line has more than ${most} arrays and objects`);
  }
  return asciiRow(bytes) ?? decodedRow(bytes);
}

/**
 * Returns the row if it is valid and its id and model are ASCII. It decodes the line as Latin-1, which is cheaper to
 * decode and to parse because each byte is one character. The syntax of JSON is ASCII, so either both decodings are
 * valid JSON or neither is. Only the contents of strings differ.
 */
function asciiRow(bytes: Uint8Array): CheckedRow | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bufferOf(bytes).toString('latin1'));
  } catch {
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  const checked = checkFields(parsed);
  if (!('row' in checked)) return undefined;
  return isAscii(checked.row.customId) && isAscii(checked.row.model) ? checked : undefined;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

function decodedRow(bytes: Uint8Array): CheckedRow {
  const text = bufferOf(bytes).toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return fault('invalid_json', `the line is not JSON: ${whereIn(error, text.length)}`);
  }
  if (!isObject(parsed)) return fault('not_an_object', `the line is ${kindOf(parsed)}, not a JSON object`);
  return checkFields(parsed);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function checkFields(row: Record<string, unknown>): CheckedRow {
  const { custom_id: customId, method, url, body } = row;
  if (typeof customId !== 'string' || customId === '') {
    return fault('invalid_custom_id', `custom_id must be a non-empty string; it is ${kindOf(customId)}`);
  }
  if (isLongerThan(FILE_LIMITS.customIdBytes, customId)) {
    return fault('invalid_custom_id', `custom_id has ${Buffer.byteLength(customId)} bytes; 512 are allowed`);
  }
  if (!customId.isWellFormed())
    return fault('invalid_custom_id', 'custom_id contains half a character (a lone surrogate)');
  if (method !== 'POST') return fault('invalid_method', `method must be "POST"; it is ${shown(method)}`);
  if (!isEndpoint(url)) {
    return fault('invalid_url', `url must be one of ${ENDPOINTS.join(', ')}; it is ${shown(url)}`);
  }
  if (!isObject(body)) return fault('invalid_body', `body must be a JSON object; it is ${kindOf(body)}`);
  const { model, stream, input } = body;
  if (typeof model !== 'string' || model === '') {
    return fault('invalid_model', `body.model must be a non-empty string; it is ${kindOf(model)}`);
  }
  if (isLongerThan(FILE_LIMITS.modelBytes, model)) {
    return fault('invalid_model', `body.model has ${Buffer.byteLength(model)} bytes; 256 are allowed`);
  }
  // The ledger and the events store the model as UTF-8, which cannot contain lone surrogates.
  if (!model.isWellFormed())
    return fault('invalid_model', 'body.model contains half a character (a lone surrogate)');
  if (stream === true) return fault('stream', 'body.stream is true; a batch cannot stream; remove it');
  const missing = missingField(url, customId, body);
  if (missing) return missing;
  const embeddingInputs = url === '/v1/embeddings' ? inputsIn(input) : 0;
  return {
    row: { customId, endpoint: url, model, embeddingInputs, outputBound: outputBound(url, boundsIn(body)) },
  };
}

/** Returns the problem of a row that OpenAI would refuse because a field is missing. */
function missingField(
  url: Endpoint,
  customId: string,
  body: Record<string, unknown>,
): CheckedRow | undefined {
  const required = REQUIRED_FIELDS[url];
  if (!required) return undefined;
  const { name, mayBeNull } = required;
  const value = body[name];
  if (value !== undefined && (value !== null || mayBeNull)) return undefined;
  const hint = `request ${shown(customId)}: body.${name} is ${kindOf(value)}; ${url} requires it; add it`;
  return fault('missing_field', hint);
}

/** Compares the length in UTF-8. A UTF-16 code unit takes at most three bytes, so short texts need not be measured. */
function isLongerThan(limit: number, text: string): boolean {
  return text.length * 3 > limit && Buffer.byteLength(text) > limit;
}

/** A string or one list of token numbers is one input; a list of strings or of lists has as many inputs as entries. */
function inputsIn(input: unknown): number {
  return Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1;
}

/** A limit of null is none. */
function boundsIn(body: Record<string, unknown>): (field: BoundField) => number | undefined {
  return (field) => {
    if (field === 'prompts') return inputsIn(body.prompt);
    const value = body[field];
    if (value === undefined || value === null) return undefined;
    return typeof value === 'number' ? value : Number.NaN;
  };
}

/** Counts brackets within strings as well. A line with a million brackets is refused in any case. */
function arraysAndObjectsIn(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0x5b || byte === 0x7b) count += 1;
  return count;
}

function fault(code: string, message: string): CheckedRow {
  return { code, message };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value === '') return 'empty';
  return Array.isArray(value) ? 'an array' : `a${typeof value === 'object' ? 'n' : ''} ${typeof value}`;
}

/** Returns at most 60 characters of the value, so that a report contains no prompt. */
function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : kindOf(value);
}

/**
 * Returns where JSON.parse failed. V8's message quotes the text around that place, which may be private, so only the
 * character and the position are kept.
 */
function whereIn(error: unknown, length: number): string {
  const message = error instanceof Error ? error.message : '';
  // Test this message first, because only this one quotes the line, which may contain the texts of the other messages.
  const token = /^Unexpected token '(.)'/su.exec(message)?.[1];
  if (token !== undefined) return `unexpected ${JSON.stringify(token)}`;
  if (/end of JSON|Unterminated/.test(message)) return 'it ends too early';
  const position = /at position (\d+)/.exec(message)?.[1];
  if (Number(position) >= length) return 'it ends too early';
  return position === undefined ? 'it is malformed' : `unexpected character at position ${position}`;
}
