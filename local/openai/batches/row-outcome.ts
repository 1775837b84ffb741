/**
 * The outcome of a row of a batch: a fake response body, or an HTTP error.
 *
 * A row fails with 400 if OpenAI would refuse it. It fails with a chosen status if its body has
 * `"metadata": {"batchdrop_local": "fail:<status>"}` (400 to 599).
 */

import { answer } from '../answers/answer.ts';
import { refusalOf } from '../answers/refusal.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { TokenUsage } from './batch-record.ts';
import type { RequestRow } from './request-row.ts';

export interface RowOutcome {
  readonly statusCode: number;
  readonly body: JsonObject;
  readonly usage: TokenUsage;
}

const NO_USAGE: TokenUsage = { inputTokens: 0, outputTokens: 0 };

/** Returns whether a row fails by itself, without a fault of its batch. */
export function fails(endpoint: string, body: JsonObject): boolean {
  return demandedStatus(body) !== null || refusalOf(endpoint, body) !== null;
}

function demandedStatus({ metadata }: JsonObject): number | null {
  const marker = isJsonObject(metadata) ? metadata.batchdrop_local : undefined;
  const demanded = typeof marker === 'string' ? /^fail:([45]\d\d)$/.exec(marker)?.[1] : undefined;
  return demanded === undefined ? null : Number(demanded);
}

/** Returns the outcome of a row. `keys`: for the ids and the content of its answer. */
export function runRow(
  row: RequestRow,
  endpoint: string,
  keys: { readonly key: string; readonly seed: string },
  createdSeconds: number,
): RowOutcome {
  const demanded = demandedStatus(row.body);
  if (demanded !== null) return failedRow(demanded);
  const refusal = refusalOf(endpoint, row.body);
  if (refusal === null) return { statusCode: 200, ...answer(endpoint, row, keys, createdSeconds) };
  const { message, param, code } = refusal;
  const error = { message, type: 'invalid_request_error', param, code };
  return { statusCode: 400, body: { error }, usage: NO_USAGE };
}

/** Returns the outcome of a row that fails with this status. */
export function failedRow(statusCode: number): RowOutcome {
  return { statusCode, body: { error: failure(statusCode) }, usage: NO_USAGE };
}

function failure(statusCode: number): JsonObject {
  if (statusCode === 429) {
    return {
      message: 'Rate limit reached while the request was processed.',
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    };
  }
  if (statusCode >= 500) {
    return {
      message: 'The server had an error while processing your request.',
      type: 'server_error',
      param: null,
      code: null,
    };
  }
  return { message: 'The request is invalid.', type: 'invalid_request_error', param: null, code: null };
}
