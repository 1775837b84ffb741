import { NotAllowed, RetryableError } from '../../domain/errors.ts';

/** AWS errors that are worth another try, besides HTTP 408, 429 and 5xx. */
const RETRYABLE: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'TransactionConflictException',
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestThrottled',
  'RequestTimeout',
  'RequestTimeoutException',
  'SlowDown',
  'OperationAborted',
  'InternalServerError',
  'InternalError',
  'TimeoutError',
  'AbortError',
  'IncompleteBody',
]);

/** Error codes of the socket and the resolver. */
const BROKEN_CONNECTION: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

const DENIED: ReadonlySet<string> = new Set(['AccessDenied', 'AccessDeniedException', 'Forbidden']);

/**
 * Returns an AWS error as RetryableError, NotAllowed or, for a defect, Error. `tried`: the operation, for the message.
 */
export function awsFailure(tried: string, error: unknown): Error {
  const name = textIn(error, 'name');
  const code = textIn(error, 'code');
  const status = httpStatusOf(error);
  const message = `${tried}: ${name}${code === '' ? '' : ` ${code}`}${status === undefined ? '' : ` (HTTP ${status})`}`;
  if (error instanceof RetryableError || error instanceof NotAllowed) return error;
  if (RETRYABLE.has(name) || BROKEN_CONNECTION.has(code) || isRetryableStatus(status)) {
    return new RetryableError(message, { cause: error });
  }
  if (DENIED.has(name) || status === 403) return new NotAllowed(message, { cause: error });
  return new Error(message, { cause: error });
}

/**
 * Like `awsFailure`, but never NotAllowed: for calls where denied access is a fault of the deployment, not of a key.
 */
export function infrastructureFailure(tried: string, error: unknown): Error {
  const failure = awsFailure(tried, error);
  return failure instanceof NotAllowed ? new Error(failure.message, { cause: error }) : failure;
}

/** Returns the HTTP status of an SDK error; undefined when it has none. */
export function httpStatusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function isRetryableStatus(status: number | undefined): boolean {
  return status !== undefined && (status === 408 || status === 429 || status >= 500);
}

function textIn(error: unknown, field: 'name' | 'code'): string {
  if (typeof error !== 'object' || error === null || !(field in error)) return '';
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : '';
}
