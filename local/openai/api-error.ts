/** An error response in OpenAI's format. `status` is the HTTP status; `headers` are sent with it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Record<string, string>;
  readonly #isDetail: boolean;

  constructor(
    status: number,
    message: string,
    details: {
      type?: string;
      param?: string | null;
      code?: string | null;
      headers?: Record<string, string>;
      /** Sent as `{"detail": message}`. */
      isDetail?: boolean;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.type = details.type ?? 'invalid_request_error';
    this.param = details.param ?? null;
    this.code = details.code ?? null;
    this.headers = details.headers ?? {};
    this.#isDetail = details.isDetail ?? false;
  }

  body(): object {
    if (this.#isDetail) return { detail: this.message };
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}

/** Creates the error for an invalid value in a request (400). */
export function invalid(param: string, message: string, code: string | null = 'invalid_value'): ApiError {
  return new ApiError(400, message, { param, code });
}
