interface RefusalDetails {
  /** HTTP status; 400 unless told. */
  readonly status?: number;
  /** The code of SQS's older query protocol, which SDKs show beside the name. */
  readonly queryCode?: string;
  readonly cause?: unknown;
}

/** A refusal as it goes over the wire; `code` is what an SDK shows as `error.name`. */
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

/** ValidationException: the request is well formed and asks for something that is not allowed, or not here. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
