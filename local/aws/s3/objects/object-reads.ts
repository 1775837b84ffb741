import {
  invalidArgument,
  noSuchKey,
  noSuchVersion,
  notImplemented,
  preconditionFailed,
  S3Error,
} from '../errors.ts';
import type { S3Store } from '../store.ts';
import { readVerdict } from '../wire/conditions.ts';
import { requestedRange } from '../wire/ranges.ts';
import type { S3Answer, S3Request } from '../wire/request.ts';
import { checksumHeaders, httpTime, quoted, versionHeader } from '../wire/responses.ts';
import { shownHeaders } from '../wire/tags.ts';
import type { ObjectVersion } from './versions.ts';

/** Returns the object version to read. Throws as S3 does if there is none, or only a delete marker. */
export function findObject(
  store: S3Store,
  bucketName: string,
  key: string,
  versionId: string | undefined,
): ObjectVersion {
  const bucket = store.buckets.get(bucketName);
  const keyBytes = Buffer.from(key);
  if (versionId === '') throw invalidArgument('versionId', '', 'A version id cannot be empty.');
  const version =
    versionId === undefined
      ? store.versions.newest(bucketName, keyBytes)
      : store.versions.byId(bucketName, keyBytes, versionId);
  if (version === undefined) {
    throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
  }
  if (!version.deleteMarker) return version;
  const headers = { 'x-amz-delete-marker': 'true', ...versionHeader(bucket, version) };
  if (versionId === undefined) throw noSuchKey(key, headers);
  throw new S3Error(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    headers: { ...headers, allow: 'DELETE', 'last-modified': httpTime(version.modified) },
  });
}

/** GetObject and HeadObject, which differ only in that the endpoint sends no body for HEAD. */
export function getObject(store: S3Store, request: S3Request): S3Answer {
  if (request.query.has('partNumber')) throw notImplemented('Reading an object by partNumber');
  const version = findObject(store, request.bucket, request.key, request.query.get('versionId'));
  const bucket = store.buckets.get(request.bucket);
  const validators = {
    etag: quoted(version.etag),
    'last-modified': httpTime(version.modified),
    ...versionHeader(bucket, version),
  };
  const verdict = readVerdict(request, version);
  if (verdict?.notModified) return { status: 304, headers: validators };
  if (verdict !== undefined) throw preconditionFailed(verdict.failed);

  const range = requestedRange(request.headers.get('range'), version.size);
  const { start, end } = range ?? { start: 0, end: version.size };
  // The checksum is that of the whole object, which a reader of a range could not verify.
  const asksChecksum = request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
  const headers = {
    ...shownHeaders(version.headers),
    ...overriddenHeaders(request),
    ...(request.headers.has('authorization') ? {} : savedNotShown(request, version)),
    ...validators,
    'accept-ranges': 'bytes',
    'content-length': String(end - start),
    ...(asksChecksum && range === undefined ? checksumHeaders(version.checksum) : {}),
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${version.size}` }),
  };
  const status = range === undefined ? 200 : 206;
  if (request.method === 'HEAD') return { status, headers };
  const pieces = store.versions.pieces(version);
  return {
    status,
    headers,
    body: store.files.read(pieces, start, end),
    sent: store.files.hold(pieces),
  };
}

const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/**
 * A request without an Authorization header does not come from an SDK but from a browser that follows a link or a
 * presigned URL. The browser then saves the object instead of running it as a page of this endpoint.
 */
function savedNotShown(request: S3Request, { headers }: ObjectVersion): Record<string, string> {
  const asked = overriddenHeaders(request)['content-disposition'] ?? headers['content-disposition'] ?? '';
  const parameters =
    /^\s*(?:inline|attachment)\s*(?<parameters>;.*)?$/i.exec(asked)?.groups?.parameters ?? '';
  return { 'content-disposition': `attachment${parameters}` };
}

/** Returns the headers that `response-content-type` and similar parameters of a download link set. */
function overriddenHeaders(request: S3Request): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`);
    if (value === undefined) continue;
    if (!/^[\t\u0020-\u007e\u0080-\uffff]*$/.test(value)) {
      throw invalidArgument(`response-${name}`, value, 'A header cannot contain control characters.');
    }
    headers[name] = Buffer.from(value).toString('latin1');
  }
  return headers;
}
