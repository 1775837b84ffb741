import { invalidArgument, invalidRequest, preconditionFailed, S3Error } from '../errors.ts';
import { findObject } from '../objects/object-reads.ts';
import type { ObjectVersion } from '../objects/versions.ts';
import type { S3Store } from '../store.ts';
import { readVerdict } from './conditions.ts';
import { percentDecoded, type S3Request } from './request.ts';

/** The object version that `x-amz-copy-source` names, its conditions checked. */
export function findCopySource(store: S3Store, request: S3Request): ObjectVersion {
  const header = request.headers.get('x-amz-copy-source') ?? '';
  const [, path = '', versionId] = /^(.*?)(?:\?versionId=(.*))?$/s.exec(header) ?? [];
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(percentDecoded(path)) ?? [];
  if (bucket === undefined || key === undefined) {
    throw invalidArgument('x-amz-copy-source', header, 'A copy source is bucket/key, URL-encoded.');
  }
  const source = findSource(store, bucket, key, versionId);
  const verdict = readVerdict(request, source, 'x-amz-copy-source-');
  if (verdict !== undefined) throw preconditionFailed(`x-amz-copy-source-${verdict.failed}`);
  return source;
}

function findSource(
  store: S3Store,
  bucket: string,
  key: string,
  versionId: string | undefined,
): ObjectVersion {
  try {
    return findObject(store, bucket, key, versionId);
  } catch (error) {
    if (error instanceof S3Error && error.code === 'MethodNotAllowed') {
      throw invalidRequest('The source of a copy cannot be a delete marker.');
    }
    throw error;
  }
}

/** `x-amz-copy-source-version-id`, where the source has one. */
export const copySourceVersionHeader = (store: S3Store, source: ObjectVersion): Record<string, string> =>
  store.buckets.get(source.bucket).versioning === 'Never'
    ? {}
    : { 'x-amz-copy-source-version-id': source.versionId };
