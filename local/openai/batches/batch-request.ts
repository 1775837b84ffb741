import { invalid } from '../api-error.ts';
import { parseExpiry } from '../expiry.ts';
import { ownId } from '../faults/odd-answers.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { BATCH_ENDPOINTS } from '../limits.ts';
import type { Profile } from '../profiles/profile.ts';

/** The parameters of a batch. */
interface BatchRequest {
  readonly inputFileId: string;
  readonly endpoint: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly outputExpiresAfterSeconds: number | null;
}

const MAX_PAIRS = 16;
const MAX_KEY = 64;
const MAX_VALUE = 512;

/** Parses the body of `POST /batches`. Throws `ApiError` 400, which names the parameter. */
export function parseBatchRequest(body: JsonObject, { windows }: Pick<Profile, 'windows'>): BatchRequest {
  const inputFileId = ownId(requiredText(body, 'input_file_id'));
  const endpoint = requiredText(body, 'endpoint');
  const window = requiredText(body, 'completion_window');
  if (!BATCH_ENDPOINTS.includes(endpoint)) {
    throw invalid('endpoint', `Invalid 'endpoint': must be one of ${BATCH_ENDPOINTS.join(', ')}.`);
  }
  if (!windows.includes(window)) {
    throw invalid(
      'completion_window',
      `Invalid 'completion_window': only ${windows.join(', ')} is supported.`,
    );
  }
  return {
    inputFileId,
    endpoint,
    metadata: parseMetadata(body.metadata),
    outputExpiresAfterSeconds: parseOutputExpiry(body.output_expires_after),
  };
}

function requiredText(body: JsonObject, param: string): string {
  const value = body[param] ?? null;
  if (value === null) {
    throw invalid(param, `Missing required parameter: '${param}'.`, 'missing_required_parameter');
  }
  if (typeof value !== 'string')
    throw invalid(param, `Invalid '${param}': must be a string.`, 'invalid_type');
  return value;
}

function parseMetadata(value: Json | undefined): Record<string, string> | null {
  if (value === undefined || value === null) return null;
  if (!isJsonObject(value))
    throw invalid('metadata', "Invalid 'metadata': must be an object.", 'invalid_type');
  const pairs = Object.entries(value);
  if (pairs.length > MAX_PAIRS) {
    throw invalid('metadata', `Invalid 'metadata': at most ${MAX_PAIRS} pairs are allowed.`);
  }
  return Object.fromEntries(
    pairs.map(([key, text]) => {
      const param = `metadata.${key.slice(0, MAX_KEY)}`;
      if (key.length > MAX_KEY) {
        throw invalid(param, `Invalid 'metadata': a key may have at most ${MAX_KEY} characters.`);
      }
      if (typeof text !== 'string')
        throw invalid(param, `Invalid '${param}': must be a string.`, 'invalid_type');
      if (text.length > MAX_VALUE) {
        throw invalid(param, `Invalid '${param}': a value may have at most ${MAX_VALUE} characters.`);
      }
      return [key, text];
    }),
  );
}

function parseOutputExpiry(value: Json | undefined): number | null {
  if (value === undefined || value === null) return null;
  if (!isJsonObject(value)) {
    throw invalid(
      'output_expires_after',
      "Invalid 'output_expires_after': must be an object.",
      'invalid_type',
    );
  }
  return parseExpiry('output_expires_after', value.anchor, value.seconds);
}
