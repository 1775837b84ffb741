/**
 * Why a request failed. `session`: the token is not valid any more. `unreachable`: the CLI did not answer. `refused`: it
 * answered with an error, which `message` tells.
 */
export type FailureKind = 'session' | 'unreachable' | 'refused';

export class RequestFailure extends Error {
  readonly kind: FailureKind;
  /** The code of the `ErrorAnswer`, if there is one. */
  readonly code: string | undefined;

  constructor(kind: FailureKind, message: string, options: { code?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.code = options.code;
  }
}

/** Returns what a response with an error status means. `body` is its text. */
export function failureOf(status: number, body: string): RequestFailure {
  const { code, message } = Object(errorIn(body));
  if (status === 401) return new RequestFailure('session', 'The session has ended.');
  if (typeof message !== 'string') return new RequestFailure('refused', `The console answered ${status}.`);
  return new RequestFailure('refused', message, typeof code === 'string' ? { code } : {});
}

function errorIn(body: string): unknown {
  try {
    return Object(JSON.parse(body)).error;
  } catch {
    return undefined; // not of this server, such as a proxy's page
  }
}
