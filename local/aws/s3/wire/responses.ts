import type { XmlContent } from '../../protocol/xml.ts';
import type { Bucket } from '../buckets.ts';
import type { ObjectVersion } from '../objects/versions.ts';
import { type Checksum, checksumHeader } from './checksums.ts';
import type { S3Answer } from './request.ts';
import { writeXml } from './xml.ts';

/** Returns a 200 response with an XML document. */
export const xmlAnswer = (
  root: string,
  content: XmlContent,
  headers: Readonly<Record<string, string>> = {},
): S3Answer => ({
  status: 200,
  headers: { ...headers, 'content-type': 'application/xml' },
  body: writeXml(root, content),
});

/** Returns `x-amz-version-id`; nothing for a bucket that was never versioned. */
export const versionHeader = (
  bucket: Bucket,
  version: { readonly versionId: string },
): Record<string, string> => (bucket.versioning === 'Never' ? {} : { 'x-amz-version-id': version.versionId });

export const checksumHeaders = (checksum: Checksum | undefined): Record<string, string> =>
  checksum === undefined
    ? {}
    : { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };

/** Returns the checksum as XML elements. */
export const checksumElements = (checksum: Checksum | undefined): Record<string, string> =>
  checksum === undefined
    ? {}
    : { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };

export const quoted = (etag: string): string => `"${etag}"`;

/** Formats seconds since the epoch for XML. */
export const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** Formats seconds since the epoch for a header. */
export const httpTime = (seconds: number): string => new Date(seconds * 1000).toUTCString();

export const keyText = (version: Pick<ObjectVersion, 'key'>): string => version.key.toString();
