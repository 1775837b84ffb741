/**
 * An external system failed, but a later try may succeed. The adapters map every failure of an external system to one
 * of the four classes of this file. Any other error is a defect.
 */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  /** How long the external system asked to wait, in seconds. */
  readonly afterSeconds: number | undefined;
  /** What must change before the call can succeed. The item waits for it, and no try is counted. */
  readonly waitsFor: Obstacle | undefined;
  /** The vendor's message, at most 500 characters. */
  readonly said: string | undefined;

  constructor(
    message: string,
    options: { afterSeconds?: number; waitsFor?: Obstacle; said?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.afterSeconds = options.afterSeconds;
    this.waitsFor = options.waitsFor;
    this.said = options.said;
  }
}

/**
 * Why a call cannot succeed although the input is right: the account cannot pay or may not use the service (`account`),
 * its file storage is full (`storage`), a file that was just uploaded is not visible yet (`not_visible`), the other
 * system cannot be reached (`unreachable`), or too many tokens are enqueued (`token_limit`).
 */
export type Obstacle = 'account' | 'storage' | 'not_visible' | 'unreachable' | 'token_limit';

/** The call may have taken effect. The caller must find out before it acts. */
export class Ambiguous extends Error {
  override readonly name = 'Ambiguous';
}

/** The call fails for good: another try gives the same result. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  /** A stable code, for example `file_gone`, or the API's own code. */
  readonly code: string;

  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The key is missing or was refused (401, 403): items wait, and no try is counted. */
export class NotAllowed extends Error {
  override readonly name = 'NotAllowed';
}
