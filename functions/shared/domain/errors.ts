/**
 * What can go wrong at an outside thing, decided once in the adapter that knows it.
 * Anything else that is thrown is a defect.
 */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  /** How long the other side asked to wait, in seconds. */
  readonly afterSeconds: number | undefined;

  constructor(message: string, options: { afterSeconds?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.afterSeconds = options.afterSeconds;
  }
}

/** It may have happened: look before acting. */
export class Ambiguous extends Error {
  override readonly name = 'Ambiguous';
}

/** Never, as it stands. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  /** Stable, for example `file_gone`, or the API's own code. */
  readonly code: string;

  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The key is missing or refused (401, 403): items wait, nothing is burnt. */
export class NotAllowed extends Error {
  override readonly name = 'NotAllowed';
}
