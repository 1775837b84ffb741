import type { AwsError } from './aws-error.ts';

/** One page of a list, and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Of the next page; undefined on the last. */
  readonly nextToken: string | undefined;
}

interface PageRequest {
  readonly token: string | undefined;
  readonly size: number;
  /** Makes the error for a token that was never given out. */
  readonly refuse: (message: string) => AwsError;
}

/**
 * The page of at most `size` items that `token` of the page before points to; `sorted` has distinct keys in ascending
 * order. A token names the last key before it, so what is put or deleted between two pages shifts nothing.
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
    throw refuse('NextToken is none that was given out here.');
  }
  return text.slice(MARK.length);
}
