/**
 * The outcome of a row of a batch: a fake response body, or an HTTP error.
 *
 * A row fails with 400 if it lacks a required field of its endpoint. It fails with a chosen status if its body has
 * `"metadata": {"batchdrop_local": "fail:<status>"}` (400 to 599).
 */

import type { TokenUsage } from './batch-record.ts';
import { answer } from './fake-completions.ts';
import { isJsonObject, type Json, type JsonObject, type RequestRow } from './request-row.ts';

export interface RowOutcome {
  readonly statusCode: number;
  readonly body: JsonObject;
  readonly usage: TokenUsage;
}

const NO_USAGE: TokenUsage = { inputTokens: 0, outputTokens: 0 };

const REQUIRED: Readonly<Record<string, string>> = {
  '/v1/chat/completions': 'messages',
  '/v1/completions': 'prompt',
  '/v1/embeddings': 'input',
  '/v1/moderations': 'input',
};

/** Returns the HTTP status with which a row fails, or null if it succeeds. */
export function failureStatus(endpoint: string, body: JsonObject): number | null {
  const marker = isJsonObject(body.metadata) ? body.metadata.batchdrop_local : undefined;
  const demanded = typeof marker === 'string' ? /^fail:([45]\d\d)$/.exec(marker)?.[1] : undefined;
  if (demanded !== undefined) return Number(demanded);
  const required = REQUIRED[endpoint];
  return required !== undefined && (body[required] ?? null) === null ? 400 : null;
}

/** Returns the outcome of a row. It depends only on `key`, the row and the time. */
export function runRow(row: RequestRow, endpoint: string, key: string, createdSeconds: number): RowOutcome {
  const statusCode = failureStatus(endpoint, row.body);
  if (statusCode !== null) return failedRow(statusCode, endpoint);
  return { statusCode: 200, ...answer(endpoint, row, key, createdSeconds) };
}

/** Returns the outcome of a row that fails with this status. */
export function failedRow(statusCode: number, endpoint: string): RowOutcome {
  return { statusCode, body: { error: failure(statusCode, endpoint) }, usage: NO_USAGE };
}

function failure(statusCode: number, endpoint: string): { [name: string]: Json } {
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
  const param = statusCode === 400 ? (REQUIRED[endpoint] ?? null) : null;
  const message = `The request is invalid${param === null ? '' : `: check '${param}'`}.`;
  return { message, type: 'invalid_request_error', param, code: null };
}
