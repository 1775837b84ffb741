import type { RowOutcome } from '../part-rows/row-states.ts';
import { hasFields, type RowTokens, tokensIn } from './row-tokens.ts';

/** The maximum length of a result line in bytes: 64 MiB, more than a response with images needs. */
export const MAX_RESULT = 64 * 1024 * 1024;

/** The content of one line in the API's result files. */
export interface ResultLine {
  customId: string;
  outcome: RowOutcome;
  /** Whether the row may run again: the line proves that it did not run, or that it failed for a temporary reason. */
  passing: boolean;
  /** What the row is billed for; absent when its line reports no tokens. */
  tokens?: RowTokens;
}

const NOT_RUN: ReadonlyMap<string, RowOutcome> = new Map([
  ['batch_expired', 'expired'],
  ['batch_cancelled', 'cancelled'],
]);

// Time-out, conflict, too many requests. The API writes 0 if it got no response.
const PASSING: ReadonlySet<number> = new Set([0, 408, 409, 429]);

/** Errors of rows without a response that may not occur next time. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'request_timeout',
  'timeout',
  'rate_limit_exceeded',
  'server_error',
  'internal_error',
  'internal_server_error',
  'service_unavailable',
]);

const MAX_CODE = 64; // characters
const MAX_MESSAGE = 300;

/**
 * Parses a result line; returns undefined for any other line. The row's own HTTP status takes precedence over its error
 * and over the API's counts.
 */
export function readResultLine(line: Uint8Array): ResultLine | undefined {
  const parsed = parsedLine(line);
  if (!parsed || typeof parsed.custom_id !== 'string') return undefined;
  const tokens = tokensIn(parsed.response);
  return { customId: parsed.custom_id, ...outcomeOf(parsed), ...(tokens && { tokens }) };
}

/** The code of the line that Batchdrop writes for a row that is missing from both result files. */
export const MISSING_CODE = 'batchdrop_missing';

/**
 * Returns why a row that did not succeed would have to be asked for before it runs again: `missing`, because the API may have run
 * and billed it, or `refused`, because the API refused it with a status of 400 to 499 and would again. Undefined for any other row.
 */
export function refusalOf(line: Uint8Array): 'missing' | 'refused' | undefined {
  const { id, response, error } = parsedLine(line) ?? {};
  const code = hasFields(error) && typeof error.code === 'string' ? error.code : undefined;
  if (code === MISSING_CODE && id === null) return 'missing';
  const status = statusOf(response) || statusInCode(code) || 0;
  return status >= 400 && status < 500 && !PASSING.has(status) ? 'refused' : undefined;
}

/** Returns the error of a row that did not succeed: the error in its response, or else the row's own. */
export function readRowError(line: Uint8Array): { code: string; message: string } {
  return rowErrorIn(parsedLine(line) ?? {});
}

/** Returns the same of a line that is parsed already. */
export function rowErrorIn({ response, error }: Record<string, unknown>): { code: string; message: string } {
  const body = hasFields(response) ? response.body : undefined;
  const reported = hasFields(body) ? (body.error ?? body.detail ?? body.message) : undefined;
  const status = statusOf(response);
  const said = [reported, error].find((each) => hasFields(each) || isText(each));
  const fields = hasFields(said) ? said : { message: said };
  const code =
    [fields.code, fields.type].find(isText) ?? (status === undefined ? 'failed' : `http_${status}`);
  const message = isText(fields.message) ? fields.message : `the API returned no message (${code})`;
  return { code: code.slice(0, MAX_CODE), message: message.slice(0, MAX_MESSAGE).toWellFormed() };
}

/** Returns the fields of a line; undefined if it is not a JSON object. */
export function parsedLine(line: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(
      Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8'),
    );
    return hasFields(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function outcomeOf({ response, error }: Record<string, unknown>): Pick<ResultLine, 'outcome' | 'passing'> {
  const code = hasFields(error) ? codeOf(error) : undefined;
  const status = statusOf(response) || statusInCode(code) || statusOf(response);
  if (status === undefined && hasAnswer(response) && isEmpty(error))
    return { outcome: 'succeeded', passing: false };
  if (status === undefined || (status === 0 && code !== undefined)) {
    const outcome = NOT_RUN.get(code ?? '') ?? 'failed';
    const passing = outcome === 'expired' || PASSING_CODES.has(code ?? '') || status === 0;
    return { outcome, passing: passing && outcome !== 'cancelled' };
  }
  if (status >= 200 && status < 300) return { outcome: 'succeeded', passing: false };
  return { outcome: 'failed', passing: PASSING.has(status) || (status >= 500 && status < 600) };
}

/** Returns the code as text. For an object, returns a fixed text, because its own `toString` may do anything. */
function codeOf({ code }: Record<string, unknown>): string {
  return hasFields(code) ? 'object' : String(code);
}

/** Returns whether a response without a status contains an answer of the model. */
function hasAnswer(response: unknown): boolean {
  if (!hasFields(response) || STATUS_NAMES.some((name) => (response[name] ?? undefined) !== undefined))
    return false;
  const { body } = response;
  return hasFields(body) && !isEmpty(body) && isEmpty(body.error);
}

function isEmpty(value: unknown): boolean {
  return (
    (value ?? '') === '' || (hasFields(value) && Object.values(value).every((each) => (each ?? '') === ''))
  );
}

const STATUS_NAMES = ['status_code', 'statusCode', 'status'] as const;

/** Returns the row's HTTP status, which may be a text; undefined if the API wrote none. */
function statusOf(response: unknown): number | undefined {
  const status = hasFields(response)
    ? STATUS_NAMES.map((name) => response[name]).find((each) => (each ?? undefined) !== undefined)
    : undefined;
  if (typeof status === 'string' && /^\d{1,3}$/.test(status)) return Number(status);
  return typeof status === 'number' ? status : undefined;
}

/** Some vendors write the row's HTTP status as the code of its error. */
function statusInCode(code: string | undefined): number | undefined {
  return code !== undefined && /^[45]\d\d$/.test(code) ? Number(code) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
