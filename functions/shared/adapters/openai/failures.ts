import type { IncomingHttpHeaders } from 'node:http';
import { Ambiguous, NotAllowed, RetryableError, TerminalError } from '../../domain/errors.ts';
import { ConnectionFailure } from './transport.ts';
import { parseRefusal } from './wire.ts';

/**
 * How long to wait after a 429 without `Retry-After`: a time to wait marks backpressure, which is not a counted
 * failure.
 */
const DEFAULT_WAIT_SECONDS = 60;
const MAX_WAIT_SECONDS = 24 * 3600;

/** A response with its body. */
export interface OpenAiResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The parsed JSON; undefined when the body is not JSON, or too long. */
  body: unknown;
}

/** Returns the error for an unsuccessful response. `tried`: the operation, for example `retrieve batch_abc`. */
export function failureOf(
  tried: string,
  response: OpenAiResponse,
): RetryableError | NotAllowed | TerminalError {
  const { status, headers } = response;
  const message = `${tried}: HTTP ${status}`;
  if (status >= 300 && status < 400) {
    return new RetryableError(`${message}: redirects are not followed; set the base URL to the final one`);
  }
  if (status === 401 || status === 403) return new NotAllowed(`${message}: the key was refused`);
  const refusal = parseRefusal(response.body);
  const isRetryable = status < 400 || status >= 500 || [408, 409, 425, 429].includes(status);
  if (isRetryable || refusal === undefined) {
    const afterSeconds = retryAfterSeconds(headers) ?? (status === 429 ? DEFAULT_WAIT_SECONDS : undefined);
    const said = refusal === undefined ? '' : ` ${refusal.code}`;
    return new RetryableError(`${message}${said}`, afterSeconds === undefined ? {} : { afterSeconds });
  }
  const code = status === 404 ? 'not_found' : refusal.code;
  return new TerminalError(code, `${message} ${refusal.code}: ${refusal.message}`);
}

/** Returns the error for an unsuccessful create: Ambiguous unless the response proves that there is no batch. */
export function failureOfCreate(
  response: OpenAiResponse,
): RetryableError | NotAllowed | TerminalError | Ambiguous {
  const { status } = response;
  if (status < 300 || status === 408 || status === 409 || status >= 500) {
    return new Ambiguous(`create batch: HTTP ${status} without a batch in the response`);
  }
  return failureOf('create batch', response);
}

/** Returns a ConnectionFailure as RetryableError, and any other error unchanged. */
export function brokenConnection(tried: string, error: unknown): unknown {
  if (!(error instanceof ConnectionFailure)) return error;
  return new RetryableError(`${tried}: ${error.message}`, { cause: error });
}

/**
 * Returns a ConnectionFailure of a create as Ambiguous if the request may have arrived; otherwise like
 * `brokenConnection`.
 */
export function brokenCreate(error: unknown): unknown {
  if (!(error instanceof ConnectionFailure) || !error.mayHaveArrived)
    return brokenConnection('create batch', error);
  return new Ambiguous(`create batch: ${error.message}`, { cause: error });
}

/** Returns when the response was sent, by its sender's clock in milliseconds; undefined when it does not say. */
export function answeredAt({ headers }: OpenAiResponse): number | undefined {
  const sent = Date.parse(headers.date ?? '');
  return Number.isNaN(sent) ? undefined : sent;
}

/** Returns `Retry-After` in seconds; a date is compared with the sender's clock. */
function retryAfterSeconds(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after']?.trim();
  if (value === undefined || value === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return waitOf(seconds);
  const until = Date.parse(value);
  if (Number.isNaN(until)) return undefined;
  const sent = Date.parse(headers.date ?? '');
  return waitOf(Math.ceil((until - (Number.isNaN(sent) ? Date.now() : sent)) / 1000));
}

function waitOf(seconds: number): number {
  return Math.min(Math.max(0, seconds), MAX_WAIT_SECONDS);
}
