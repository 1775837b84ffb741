import { percentDecoded, type S3Request } from './request.ts';

/** The object that a copy reads; `versionId` is undefined for the newest version. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
}

/**
 * Returns the object that `x-amz-copy-source` names: `bucket/key`, URL-encoded. Undefined if the header is missing or
 * has another form.
 */
export function parseCopySource(request: S3Request): CopySource | undefined {
  const header = request.headers.get('x-amz-copy-source') ?? '';
  const [, path = '', versionId] = /^(.*?)(?:\?versionId=(.*))?$/s.exec(header) ?? [];
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(percentDecoded(path)) ?? [];
  return bucket === undefined || key === undefined ? undefined : { bucket, key, versionId };
}
