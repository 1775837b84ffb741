import { invalid } from './api-error.ts';
import type { Json } from './json.ts';

const SHORTEST_SECONDS = 3_600;
const MAX_SECONDS = 2_592_000;

/**
 * Returns the seconds of an expiry policy, 1 hour to 30 days after creation. Throws `ApiError` 400, which names
 * `param`.
 */
export function parseExpiry(param: string, anchor: Json | undefined, seconds: Json | undefined): number {
  if (anchor !== 'created_at') {
    throw invalid(`${param}.anchor`, `Invalid '${param}.anchor': only created_at is supported.`);
  }
  if (
    typeof seconds === 'number' &&
    Number.isInteger(seconds) &&
    seconds >= SHORTEST_SECONDS &&
    seconds <= MAX_SECONDS
  ) {
    return seconds;
  }
  const range = `a whole number from ${SHORTEST_SECONDS} to ${MAX_SECONDS}`;
  throw invalid(`${param}.seconds`, `Invalid '${param}.seconds': must be ${range}.`);
}
