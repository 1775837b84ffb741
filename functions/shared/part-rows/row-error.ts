/** Why a row did not succeed, as its line in a result file says: the API's line, or the one that Batchdrop wrote. */

/** The code of the line that Batchdrop writes for a row that is missing from both result files. */
export const MISSING_CODE = 'batchdrop_missing';

const MAX_CODE = 64; // characters
const MAX_MESSAGE = 300;

/** Returns the error of a row that did not succeed: the error in its response, or else the row's own. */
export function readRowError(line: Uint8Array): { code: string; message: string } {
  const { response, error } = parsedLine(line) ?? {};
  const body = hasFields(response) ? response.body : undefined;
  const reported = hasFields(body) ? (body.error ?? body.detail ?? body.message) : undefined;
  const status = statusOf(response);
  const said = [reported, error].find((each) => hasFields(each) || isText(each));
  const fields = hasFields(said) ? said : { message: said };
  const code =
    [fields.code, fields.type].find(isText) ?? (status === undefined ? 'failed' : `http_${status}`);
  const message = isText(fields.message) ? fields.message : `the API returned no message (${code})`;
  return { code: code.slice(0, MAX_CODE), message: message.slice(0, MAX_MESSAGE).toWellFormed() };
}

/**
 * Returns why a row that did not succeed would have to be asked for before it runs again: `missing`, because the API may have run
 * and billed it, or `refused`, because the API refused it with a status of 400 to 499 and would again. Undefined for any other row.
 */
export function refusalOf(line: Uint8Array): 'missing' | 'refused' | undefined {
  const { id, response, error } = parsedLine(line) ?? {};
  const code = hasFields(error) && typeof error.code === 'string' ? error.code : undefined;
  if (code === MISSING_CODE && id === null) return 'missing';
  const status = statusOf(response) || statusInCode(code) || 0;
  return status >= 400 && status < 500 && !PASSING.has(status) ? 'refused' : undefined;
}

/** Returns the fields of a line; undefined if it is not a JSON object. */
export function parsedLine(line: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(
      Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8'),
    );
    return hasFields(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The names of the HTTP status in a response. Vendors differ. */
export const STATUS_NAMES = ['status_code', 'statusCode', 'status'] as const;

/** Returns the row's HTTP status, which may be a text; undefined if the API wrote none. */
export function statusOf(response: unknown): number | undefined {
  const status = hasFields(response)
    ? STATUS_NAMES.map((name) => response[name]).find((each) => (each ?? undefined) !== undefined)
    : undefined;
  if (typeof status === 'string' && /^\d{1,3}$/.test(status)) return Number(status);
  return typeof status === 'number' ? status : undefined;
}

/** Some vendors write the row's HTTP status as the code of its error. */
export function statusInCode(code: string | undefined): number | undefined {
  return code !== undefined && /^[45]\d\d$/.test(code) ? Number(code) : undefined;
}

/** Time-out, conflict, too many requests: statuses that may pass. The API writes 0 if it got no response. */
export const PASSING: ReadonlySet<number> = new Set([0, 408, 409, 429]);

/** Returns whether a parsed value is an object or a list. */
export function hasFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
