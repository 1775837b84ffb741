import { noSuchKey, notImplemented, preconditionFailed } from '../errors.ts';
import type { ObjectVersion } from '../objects/versions.ts';
import type { S3Request } from './request.ts';

/** Returns whether an If-Match or If-None-Match value contains the ETag. Quotes and the weak prefix are ignored. */
const names = (condition: string, etag: string): boolean =>
  condition.split(',').some((one) => {
    const wanted = unquoted(one.trim());
    return wanted === '*' || wanted === etag;
  });

/** Returns an ETag without its quotes. */
export const unquoted = (etag: string): string => etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');

const secondsOf = (httpDate: string | undefined): number => Math.floor(Date.parse(httpDate ?? '') / 1000);

/**
 * Returns the condition of a read that is not met, if any. `prefix`: the prefix of the headers (`x-amz-copy-source-`
 * for the source of a copy). As in HTTP, If-Match overrides If-Unmodified-Since, and If-None-Match overrides
 * If-Modified-Since. A date that cannot be parsed is ignored, because a comparison with NaN is false.
 */
export function readVerdict(
  request: S3Request,
  version: ObjectVersion,
  prefix = '',
): { readonly failed: string; readonly notModified: boolean } | undefined {
  const condition = (name: string): string | undefined => request.headers.get(`${prefix}${name}`);
  const match = condition('if-match');
  if (match !== undefined) {
    if (!names(match, version.etag)) return { failed: 'If-Match', notModified: false };
  } else if (version.modified > secondsOf(condition('if-unmodified-since'))) {
    return { failed: 'If-Unmodified-Since', notModified: false };
  }
  const noneMatch = condition('if-none-match');
  if (noneMatch !== undefined) {
    if (names(noneMatch, version.etag)) return { failed: 'If-None-Match', notModified: true };
  } else if (version.modified <= secondsOf(condition('if-modified-since'))) {
    return { failed: 'If-Modified-Since', notModified: true };
  }
  return undefined;
}

/**
 * Checks the conditions of a write against the newest version of its key. Call this in the transaction of the write.
 */
export function checkWrite(request: S3Request, key: string, newest: ObjectVersion | undefined): void {
  const present = newest !== undefined && !newest.deleteMarker ? newest : undefined;
  const noneMatch = request.headers.get('if-none-match');
  if (noneMatch !== undefined) {
    if (noneMatch !== '*') throw notImplemented('If-None-Match with an ETag on a write'); // as S3 itself does
    if (present !== undefined) throw preconditionFailed('If-None-Match');
  }
  const match = request.headers.get('if-match');
  if (match !== undefined) {
    if (present === undefined) throw noSuchKey(key);
    if (!names(match, present.etag)) throw preconditionFailed('If-Match');
  }
}
