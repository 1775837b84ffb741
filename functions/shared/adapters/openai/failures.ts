import type { IncomingHttpHeaders } from 'node:http';
import { Ambiguous, NotAllowed, RetryableError, TerminalError } from '../../domain/errors.ts';
import { ConnectionFailure } from './transport.ts';
import { parseRefusal } from './wire.ts';

/** A 429 is backpressure, which is told from failure by a time to wait: this one when the API names none. */
const USUAL_WAIT_SECONDS = 60;
const MAX_WAIT_SECONDS = 24 * 3600;

/** An answer with its body read. */
export interface OpenAiAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Undefined when it is no JSON, or too long. */
  body: unknown;
}

/** The class of an answer that is no success. `tried` says what was asked, for example `retrieve batch_abc`. */
export function failureOf(tried: string, answer: OpenAiAnswer): RetryableError | NotAllowed | TerminalError {
  const { status, headers } = answer;
  const message = `${tried}: HTTP ${status}`;
  if (status >= 300 && status < 400) {
    return new RetryableError(`${message}: redirects are not followed, the base URL has to be the final one`);
  }
  if (status === 401 || status === 403) return new NotAllowed(`${message}: the key was refused`);
  const refusal = parseRefusal(answer.body);
  const passing = status < 400 || status >= 500 || [408, 409, 425, 429].includes(status);
  if (passing || refusal === undefined) {
    const afterSeconds = retryAfterSeconds(headers) ?? (status === 429 ? USUAL_WAIT_SECONDS : undefined);
    const said = refusal === undefined ? '' : ` ${refusal.code}`;
    return new RetryableError(`${message}${said}`, afterSeconds === undefined ? {} : { afterSeconds });
  }
  const code = status === 404 ? 'not_found' : refusal.code;
  return new TerminalError(code, `${message} ${refusal.code}: ${refusal.message}`);
}

/** The same for a create: unless the answer shows that there is no batch, there may be one. */
export function failureOfCreate(
  answer: OpenAiAnswer,
): RetryableError | NotAllowed | TerminalError | Ambiguous {
  const { status } = answer;
  if (status < 300 || status === 408 || status === 409 || status >= 500) {
    return new Ambiguous(`create batch: HTTP ${status} and no batch in the answer`);
  }
  return failureOf('create batch', answer);
}

/** The class of a connection that failed. What is not a ConnectionFailure is passed on as it is. */
export function brokenConnection(tried: string, error: unknown): unknown {
  if (!(error instanceof ConnectionFailure)) return error;
  return new RetryableError(`${tried}: ${error.message}`, { cause: error });
}

/** The same for a create. */
export function brokenCreate(error: unknown): unknown {
  if (!(error instanceof ConnectionFailure) || !error.mayHaveArrived)
    return brokenConnection('create batch', error);
  return new Ambiguous(`create batch: ${error.message}`, { cause: error });
}

/** `Retry-After` in seconds, whether it was sent as seconds or as a date; a date is measured by the sender's clock. */
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
