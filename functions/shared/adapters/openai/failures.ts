import type { IncomingHttpHeaders } from 'node:http';
import { Ambiguous, NotAllowed, RetryableError, TerminalError } from '../../domain/errors.ts';
import { type OwnWord, ownWord } from './own-word.ts';
import { type Call, sortRefusal } from './refusals.ts';
import { ConnectionFailure } from './transport.ts';

/**
 * How long to wait after a 429 without `Retry-After`. An error with a waiting time means backpressure and is not a
 * counted failure.
 */
const DEFAULT_WAIT_SECONDS = 60;
const MAX_WAIT_SECONDS = 24 * 3600;

/** A response with its body. */
export interface OpenAiResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The parsed JSON; undefined if the body is not JSON or is too long. */
  body: unknown;
}

/** Returns the error for an unsuccessful response. `tried`: the operation, for example `retrieve batch_abc`. */
export function failureOf(
  tried: string,
  response: OpenAiResponse,
  call: Call = 'other',
): RetryableError | NotAllowed | TerminalError {
  const { status } = response;
  const word = ownWord(response.body);
  if (call === 'upload' && status === 413) return tooLarge(tried, word);
  return word === undefined ? foreign(tried, response) : refusal(tried, response, word, call);
}

/** Returns the error for an unsuccessful create: Ambiguous, unless the API itself says that there is no batch. */
export function failureOfCreate(
  response: OpenAiResponse,
): RetryableError | NotAllowed | TerminalError | Ambiguous {
  const { status } = response;
  const word = ownWord(response.body);
  const isRefusal = status >= 300 && status < 500 && status !== 408 && status !== 409;
  if (isRefusal && word !== undefined) return refusal('create batch', response, word, 'create');
  const said =
    word === undefined ? 'without a batch, or a refusal by the API, in the response' : word.message;
  return new Ambiguous(`create batch: HTTP ${status} ${said}`);
}

/**
 * Returns a ConnectionFailure as RetryableError, and any other error unchanged. `signal`: the caller's signal, which
 * shows whether the caller ended the call.
 */
export function brokenConnection(tried: string, error: unknown, signal?: AbortSignal): unknown {
  if (!(error instanceof ConnectionFailure)) return error;
  const message = `${tried}: ${error.message}`;
  return new RetryableError(message, {
    cause: error,
    ...(signal?.aborted ? {} : { waitsFor: 'unreachable' }),
  });
}

/**
 * Returns a ConnectionFailure of a create as Ambiguous if the request may have arrived; otherwise like
 * `brokenConnection`.
 */
export function brokenCreate(error: unknown, signal?: AbortSignal): unknown {
  if (!(error instanceof ConnectionFailure) || !error.mayHaveArrived)
    return brokenConnection('create batch', error, signal);
  return new Ambiguous(`create batch: ${error.message}`, { cause: error });
}

/**
 * Returns when the response was sent, by the sender's clock in milliseconds; undefined if the response does not say it.
 */
export function answeredAt({ headers }: OpenAiResponse): number | undefined {
  const sent = Date.parse(headers.date ?? '');
  return Number.isNaN(sent) ? undefined : sent;
}

function refusal(
  tried: string,
  response: OpenAiResponse,
  word: OwnWord,
  call: Call,
): RetryableError | NotAllowed | TerminalError {
  const { status } = response;
  const { code, message } = word;
  const verdict = sortRefusal(status, word, call);
  const text = `${tried}: HTTP ${status} ${code}: ${message}`;
  switch (verdict.is) {
    case 'key':
      return new NotAllowed(`${tried}: HTTP ${status}: the key was refused: ${quotable(message, call)}`);
    case 'gone':
      return call === 'file'
        ? new TerminalError('file_gone', `${tried}: the file was deleted or has expired`)
        : new TerminalError('not_found', text);
    case 'final':
      return new TerminalError(status === 404 ? 'not_found' : code, text);
    case 'passing':
      return new RetryableError(text, {
        said: message,
        ...waitAfter(response, verdict.isRate),
        ...(verdict.waitsFor === undefined ? {} : { waitsFor: verdict.waitsFor }),
      });
  }
}

/**
 * Returns the part of a message that may be logged. It omits the key. For an upload, it also omits everything from the
 * first brace or line break on, because the message may quote the rows.
 */
function quotable(message: string, call: Call): string {
  const [start = ''] = call === 'upload' ? message.split(/[{\r\n]/, 1) : [message];
  return withoutKey(start.trim());
}

/** A refusal quotes the key partly masked with stars. The client has already removed the full key. */
function withoutKey(message: string): string {
  return message.replaceAll(/\S*\*{3}\S*/g, '(key)');
}

/** Returns the error for a response that comes from something in front of the API: the API was not reached. */
function foreign(tried: string, response: OpenAiResponse): RetryableError {
  const { status } = response;
  const message = `${tried}: HTTP ${status}`;
  if (status === 429) return new RetryableError(message, waitAfter(response));
  const why =
    status >= 300 && status < 400
      ? 'redirects are not followed; set the base URL to the final one'
      : 'the response is not from the API; check the base URL and any gateway or proxy in front of it';
  return new RetryableError(`${message}: ${why}`, { waitsFor: 'unreachable', ...waitAfter(response) });
}

function tooLarge(tried: string, word: OwnWord | undefined): TerminalError {
  const said = word?.message ?? 'the file is larger than the API, or a gateway in front of it, accepts';
  return new TerminalError(word?.code ?? 'too_large', `${tried}: HTTP 413: ${said}`);
}

function waitAfter({ status, headers }: OpenAiResponse, isRate?: true): { afterSeconds?: number } {
  const asked = retryAfterSeconds(headers);
  if (asked !== undefined) return { afterSeconds: asked };
  return status === 429 || isRate ? { afterSeconds: DEFAULT_WAIT_SECONDS } : {};
}

/** Returns `Retry-After` in seconds. A date is compared with the sender's clock. */
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
