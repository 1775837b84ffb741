interface Line {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { readonly status_code: number };
  readonly error: null;
}

const RATE_LIMITED = { code: 'rate_limit_exceeded', message: 'Rate limit reached.' };
const TIMED_OUT = { code: 'request_timeout', message: 'The request did not end in time.' };

/**
 * Returns a result line as some vendors write it: a succeeded row with an empty error next to its response, or a failed
 * row with an error next to its status or without any response.
 */
export function oddLine(line: Line, row: number): object {
  const { id, custom_id, response } = line;
  if (response.status_code < 400) {
    const empty = [{}, { code: null, message: null }, '', null][row % 4];
    return { id, custom_id, response, error: empty };
  }
  if (row % 2 === 0) return { id, custom_id, response, error: RATE_LIMITED };
  return { id, custom_id, response: null, error: TIMED_OUT };
}
