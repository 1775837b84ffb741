import { isUtf8 } from 'node:buffer';
import { isJsonObject, type JsonObject, parseJson } from '../json.ts';
import type { BatchProblem } from './batch-record.ts';

/** A valid request line. */
export interface RequestRow {
  readonly customId: string;
  readonly model: string;
  readonly body: JsonObject;
}

/** The maximum length of a request line in bytes. It allows images in base64, and limits memory. */
export const MAX_LINE = 64 * 1024 * 1024;

/**
 * Parses a request line. Returns the row, or the problem that OpenAI's validation would report (without the line
 * number).
 */
export function parseRow(bytes: Buffer | null, endpoint: string): RequestRow | Omit<BatchProblem, 'line'> {
  if (bytes === null) {
    return problem('invalid_json_line', `The line is longer than ${MAX_LINE} bytes.`, null);
  }
  const line = isUtf8(bytes) ? parseJson(bytes.toString('utf8')) : undefined;
  if (!isJsonObject(line)) return problem('invalid_json_line', 'The line is not a JSON object.', null);
  const { custom_id: customId, method, url, body } = line;
  if (typeof customId !== 'string' || customId === '') return missing('custom_id', 'a string');
  if (method === undefined) return missing('method', '"POST"');
  if (method !== 'POST') return problem('invalid_method', 'The method of a request must be POST.', 'method');
  if (typeof url !== 'string') return missing('url', `"${endpoint}"`);
  if (url !== endpoint) {
    return problem('url_mismatch', `The url of a request must be the batch's endpoint, ${endpoint}.`, 'url');
  }
  if (!isJsonObject(body)) return missing('body', 'an object');
  const { model, stream } = body;
  if (typeof model !== 'string' || model === '') return missing('body.model', 'a string');
  if (stream === true)
    return problem('invalid_request', 'A batch does not support streaming.', 'body.stream');
  return { customId, model, body };
}

export function isRow(parsed: RequestRow | Omit<BatchProblem, 'line'>): parsed is RequestRow {
  return 'customId' in parsed;
}

function missing(param: string, expected: string): Omit<BatchProblem, 'line'> {
  return problem(
    'missing_required_parameter',
    `Missing required parameter: '${param}' (${expected}).`,
    param,
  );
}

function problem(code: string, message: string, param: string | null): Omit<BatchProblem, 'line'> {
  return { code, message, param };
}
