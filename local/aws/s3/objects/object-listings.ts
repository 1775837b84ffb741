import { LOCAL_ACCOUNT } from '../../protocol/aws-service.ts';
import type { XmlContent } from '../../protocol/xml.ts';
import { invalidArgument } from '../errors.ts';
import type { S3Store } from '../store.ts';
import type { S3Answer, S3Request } from '../wire/request.ts';
import { isoTime, keyText, quoted, xmlAnswer } from '../wire/responses.ts';
import { collectPage, keyAfter, keyAfterGroup, type PageRequest, urlEncoded } from './listing.ts';
import { seqWithin } from './new-version.ts';
import type { ObjectVersion } from './versions.ts';

const MAX_PAGE = 1000;

export const OWNER: XmlContent = { ID: LOCAL_ACCOUNT };

/** Returns the value of `max-keys` or a similar parameter, or 1,000 if it is absent or greater. */
export function pageLimit(request: S3Request, name: string): number {
  const text = request.query.get(name);
  if (text === undefined || text === '') return MAX_PAGE;
  if (!/^\d{1,10}$/.test(text)) throw invalidArgument(name, text, `${name} must be a number.`);
  return Math.min(Number(text), MAX_PAGE);
}

/** Returns a function that writes the keys of a listing: unchanged, or encoded if `encoding-type=url` is requested. */
export function keyWriter(request: S3Request): (key: string) => string {
  const encoding = request.query.get('encoding-type');
  if (encoding === undefined || encoding === '') return (key) => key;
  if (encoding === 'url') return urlEncoded;
  throw invalidArgument('encoding-type', encoding, 'The encoding type must be url.');
}

export function pageRequest(request: S3Request, start: Buffer, limitName: string): PageRequest {
  return {
    prefix: Buffer.from(request.query.get('prefix') ?? ''),
    delimiter: Buffer.from(request.query.get('delimiter') ?? ''),
    start,
    limit: pageLimit(request, limitName),
  };
}

/** A listing continues after the key marker. If the marker is a common prefix, it continues after all keys under it. */
export function startAfterMarker(request: S3Request, marker: string): Buffer {
  const delimiter = request.query.get('delimiter') ?? '';
  if (marker === '') return Buffer.alloc(0);
  const isGroup = delimiter !== '' && marker.endsWith(delimiter);
  return isGroup ? keyAfterGroup(Buffer.from(marker)) : keyAfter(Buffer.from(marker));
}

export const commonPrefixElements = (
  prefixes: readonly string[],
  write: (key: string) => string,
): XmlContent[] => prefixes.map((prefix) => ({ Prefix: write(prefix) }));

export function listObjectsV2(store: S3Store, request: S3Request): S3Answer {
  store.buckets.get(request.bucket);
  const { query } = request;
  const write = keyWriter(request);
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const start = token === undefined ? keyAfterText(startAfter) : startOfToken(token);
  const wanted = pageRequest(request, start, 'max-keys');
  const page = collectPage(wanted, (from) => store.versions.currentFrom(request.bucket, from));
  const withOwner = query.get('fetch-owner') === 'true';
  return xmlAnswer('ListBucketResult', {
    Name: request.bucket,
    Prefix: write(query.get('prefix') ?? ''),
    ...(query.has('delimiter') ? { Delimiter: write(query.get('delimiter') ?? '') } : {}),
    MaxKeys: wanted.limit,
    ...(query.has('encoding-type') ? { EncodingType: 'url' } : {}),
    KeyCount: page.rows.length + page.commonPrefixes.length,
    IsTruncated: page.next !== undefined,
    ...(token === undefined ? {} : { ContinuationToken: token }),
    ...(page.next === undefined ? {} : { NextContinuationToken: tokenOf(page.next.start) }),
    ...(startAfter === '' ? {} : { StartAfter: write(startAfter) }),
    Contents: page.rows.map((version) => ({
      Key: write(keyText(version)),
      ...contentElements(version),
      ...(withOwner ? { Owner: OWNER } : {}),
    })),
    CommonPrefixes: commonPrefixElements(page.commonPrefixes, write),
  });
}

const keyAfterText = (key: string): Buffer => (key === '' ? Buffer.alloc(0) : keyAfter(Buffer.from(key)));

/** A continuation token, opaque to clients: the first key that may come next. */
const tokenOf = (start: Buffer): string => `1${start.toString('base64url')}`;

function startOfToken(token: string): Buffer {
  if (/^1[\w-]+$/.test(token)) return Buffer.from(token.slice(1), 'base64url');
  throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
}

const contentElements = (version: ObjectVersion): Readonly<Record<string, XmlContent>> => ({
  LastModified: isoTime(version.modified),
  ETag: quoted(version.etag),
  ...(version.checksum === undefined
    ? {}
    : { ChecksumAlgorithm: version.checksum.algorithm, ChecksumType: version.checksum.type }),
  Size: version.size,
  StorageClass: 'STANDARD',
});

export function listObjectVersions(store: S3Store, request: S3Request): S3Answer {
  const { query, bucket } = request;
  store.buckets.get(bucket);
  const write = keyWriter(request);
  const keyMarker = query.get('key-marker') ?? '';
  const versionMarker = query.get('version-id-marker') ?? '';
  if (versionMarker !== '' && keyMarker === '') {
    throw invalidArgument(
      'version-id-marker',
      versionMarker,
      'A version-id marker cannot be specified without a key marker.',
    );
  }
  const start = startAfterMarker(request, keyMarker);
  const wanted = pageRequest(request, start, 'max-keys');
  const olderOfMarker = versionMarker === '' ? undefined : markerSeq(store, request);
  const page = collectPage(wanted, function* (from) {
    if (olderOfMarker !== undefined && from === start) {
      yield* store.versions.olderThan(bucket, Buffer.from(keyMarker), olderOfMarker);
    }
    yield* store.versions.allFrom(bucket, from);
  });
  const newest = (version: ObjectVersion): boolean =>
    store.versions.newest(bucket, version.key)?.seq === version.seq;
  const last = page.next?.last;
  return xmlAnswer('ListVersionsResult', {
    Name: bucket,
    Prefix: write(query.get('prefix') ?? ''),
    ...(query.has('delimiter') ? { Delimiter: write(query.get('delimiter') ?? '') } : {}),
    KeyMarker: write(keyMarker),
    VersionIdMarker: versionMarker,
    MaxKeys: wanted.limit,
    ...(query.has('encoding-type') ? { EncodingType: 'url' } : {}),
    IsTruncated: last !== undefined,
    ...(last === undefined ? {} : nextMarkers(last, write)),
    Version: page.rows
      .filter((version) => !version.deleteMarker)
      .map((version) => ({
        ...versionElements(version, newest(version), write),
        ...contentElements(version),
      })),
    DeleteMarker: page.rows
      .filter((version) => version.deleteMarker)
      .map((marker) => ({
        ...versionElements(marker, newest(marker), write),
        LastModified: isoTime(marker.modified),
      })),
    CommonPrefixes: commonPrefixElements(page.commonPrefixes, write),
  });
}

/**
 * Returns the position of the marker's version among the versions of its key, even if it was deleted in the meantime.
 */
function markerSeq(store: S3Store, { bucket, query }: S3Request): number {
  const versionId = query.get('version-id-marker') ?? '';
  const key = Buffer.from(query.get('key-marker') ?? '');
  const seq = seqWithin(versionId) ?? store.versions.byId(bucket, key, versionId)?.seq;
  return seq ?? Number.MAX_SAFE_INTEGER; // a deleted `null` version: it is better to repeat a version than to omit one
}

const nextMarkers = (last: ObjectVersion | string, write: (key: string) => string): Record<string, string> =>
  typeof last === 'string'
    ? { NextKeyMarker: write(last) }
    : { NextKeyMarker: write(keyText(last)), NextVersionIdMarker: last.versionId };

const versionElements = (
  version: ObjectVersion,
  isLatest: boolean,
  write: (key: string) => string,
): Readonly<Record<string, XmlContent>> => ({
  Key: write(keyText(version)),
  VersionId: version.versionId,
  IsLatest: isLatest,
  Owner: OWNER,
});
