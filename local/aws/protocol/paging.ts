import type { AwsError } from './aws-error.ts';

/** One page of a list, and the token of the next one. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Token of the next page; undefined on the last one. */
  readonly nextToken: string | undefined;
}

interface PageRequest {
  readonly token: string | undefined;
  readonly size: number;
  /** Creates the error for an invalid token. */
  readonly refuse: (message: string) => AwsError;
}

/**
 * Returns the page of at most `size` items after `token`. `sorted` must have distinct keys in ascending order. A token
 * contains the last key of the previous page, so items that are added or deleted between two calls do not shift the
 * pages.
 */
export function pageOf<T>(
  sorted: readonly T[],
  keyOf: (item: T) => string,
  { token, size, refuse }: PageRequest,
): Page<T> {
  const last = token === undefined ? undefined : readToken(token, refuse);
  const left = last === undefined ? sorted : sorted.filter((item) => keyOf(item) > last);
  const items = left.slice(0, size);
  const end = items.at(-1);
  return { items, nextToken: left.length > size && end !== undefined ? writeToken(keyOf(end)) : undefined };
}

const MARK = 'after:';

function writeToken(key: string): string {
  return Buffer.from(`${MARK}${key}`).toString('base64url');
}

function readToken(token: string, refuse: PageRequest['refuse']): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith(MARK) || writeToken(text.slice(MARK.length)) !== token) {
    throw refuse('NextToken is not a token of this endpoint.');
  }
  return text.slice(MARK.length);
}
