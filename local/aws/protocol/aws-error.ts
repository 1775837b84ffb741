interface RefusalDetails {
  /** HTTP status; 400 by default. */
  readonly status?: number;
  /** The error code of SQS's older query protocol, which SDKs report in addition to the name. */
  readonly queryCode?: string;
  readonly cause?: unknown;
}

/** An error response of an AWS service; `code` is what an SDK exposes as `error.name`. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  readonly queryCode: string | undefined;

  constructor(code: string, message: string, details: RefusalDetails = {}) {
    super(message, { cause: details.cause });
    this.name = code;
    this.code = code;
    this.status = details.status ?? 400;
    this.queryCode = details.queryCode;
  }
}

/** ValidationException: the request is well formed but asks for something invalid or not supported here. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
