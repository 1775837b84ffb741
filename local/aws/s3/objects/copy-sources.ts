import { invalidArgument, invalidRequest, preconditionFailed, S3Error } from '../errors.ts';
import type { S3Store } from '../store.ts';
import { readVerdict } from '../wire/conditions.ts';
import { type CopySource, parseCopySource } from '../wire/copy-source.ts';
import type { S3Request } from '../wire/request.ts';
import { findObject } from './object-reads.ts';
import type { ObjectVersion } from './versions.ts';

/** Returns the object version that `x-amz-copy-source` names. Throws S3Error if its conditions do not hold. */
export function findCopySource(store: S3Store, request: S3Request): ObjectVersion {
  const named = parseCopySource(request);
  if (named === undefined) {
    const header = request.headers.get('x-amz-copy-source') ?? '';
    throw invalidArgument('x-amz-copy-source', header, 'A copy source must be bucket/key, URL-encoded.');
  }
  const source = findSource(store, named);
  const verdict = readVerdict(request, source, 'x-amz-copy-source-');
  if (verdict !== undefined) throw preconditionFailed(`x-amz-copy-source-${verdict.failed}`);
  return source;
}

function findSource(store: S3Store, { bucket, key, versionId }: CopySource): ObjectVersion {
  try {
    return findObject(store, bucket, key, versionId);
  } catch (error) {
    if (error instanceof S3Error && error.code === 'MethodNotAllowed') {
      throw invalidRequest('The source of a copy cannot be a delete marker.');
    }
    throw error;
  }
}

/** Returns `x-amz-copy-source-version-id`, if the source's bucket has versions. */
export const copySourceVersionHeader = (store: S3Store, source: ObjectVersion): Record<string, string> =>
  store.buckets.get(source.bucket).versioning === 'Never'
    ? {}
    : { 'x-amz-copy-source-version-id': source.versionId };
