import { NotAllowed, RetryableError, TerminalError } from '../../domain/errors.ts';

/** AWS errors that are worth a retry, besides HTTP 408, 429 and 5xx. */
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

/**
 * Refusals that last until a person changes permissions, keys or credentials. AWS uses several names for those of KMS,
 * for example `KMS.DisabledException` and `KMSInvalidStateException`.
 */
const DENIED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AccountProblem',
  'AllAccessDisabled',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidToken',
  'NotAuthorized',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'UnauthorizedAccess',
  'UnrecognizedClientException',
]);
const OF_KMS = /kms/i;

/**
 * Returns an AWS error as RetryableError or, for a defect, Error. If a service cannot be reached, is overloaded or
 * refuses the call, the input is not at fault: the item waits (rule 3 of "What an answer is worth",
 * docs/architecture.md). `tried`: the operation, for the message.
 */
export function awsFailure(tried: string, error: unknown): Error {
  const name = textIn(error, 'name');
  const code = textIn(error, 'code');
  const status = httpStatusOf(error);
  const message = `${tried}: ${name}${code === '' ? '' : ` ${code}`}${status === undefined ? '' : ` (HTTP ${status})`}`;
  if (error instanceof RetryableError || error instanceof NotAllowed || error instanceof TerminalError)
    return error;
  if (RETRYABLE.has(name) || BROKEN_CONNECTION.has(code) || isRetryableStatus(status)) {
    return new RetryableError(message, { waitsFor: 'unreachable', cause: error });
  }
  const isDenied = DENIED.has(name) || OF_KMS.test(name) || status === 401 || status === 403;
  if (isDenied)
    return new RetryableError(message, {
      waitsFor: 'unreachable',
      said: `${message}: ${wordsOf(error)}`,
      cause: error,
    });
  return new Error(message, { cause: error });
}

/** Returns the HTTP status of an SDK error; undefined if it has none. */
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

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
