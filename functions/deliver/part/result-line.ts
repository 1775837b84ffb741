import {
  hasFields,
  PASSING,
  parsedLine,
  STATUS_NAMES,
  statusInCode,
  statusOf,
} from '../../shared/part-rows/row-error.ts';
import type { RowOutcome } from '../../shared/part-rows/row-states.ts';
import { type RowTokens, tokensIn } from './row-tokens.ts';

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
