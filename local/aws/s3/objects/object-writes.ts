import { invalidArgument, invalidRequest } from '../errors.ts';
import type { S3Store } from '../store.ts';
import { type Checksum, checksumAlgorithm, USUAL_ALGORITHM } from '../wire/checksums.ts';
import { checkWrite } from '../wire/conditions.ts';
import { parseCopySource } from '../wire/copy-source.ts';
import { Digester, type Digests, receiveFile } from '../wire/payload.ts';
import type { S3Answer, S3Request } from '../wire/request.ts';
import {
  checksumElements,
  checksumHeaders,
  isoTime,
  quoted,
  versionHeader,
  xmlAnswer,
} from '../wire/responses.ts';
import { headersToStore } from '../wire/stored-headers.ts';
import { onlyTags, withoutTags } from '../wire/tags.ts';
import { copySourceVersionHeader, findCopySource } from './copy-sources.ts';
import { addObject, type NewObject } from './new-version.ts';
import type { ObjectVersion } from './versions.ts';

export const MAX_COPY_BYTES = 5 * 1024 ** 3; // S3's limit for one CopyObject or UploadPartCopy

const fullChecksum = ({ checksum }: Digests): Checksum | undefined =>
  checksum && { ...checksum, type: 'FULL_OBJECT' };

export async function putObject(store: S3Store, request: S3Request): Promise<S3Answer> {
  checkBeforeBody(store, request);
  const headers = headersToStore(request);
  const received = await receiveFile(request, store.files, USUAL_ALGORITHM);
  const version = makeVisible(store, request, {
    modified: store.nowSeconds(),
    etag: received.md5,
    headers,
    checksum: fullChecksum(received),
    pieces: [received],
    reason: 'PutObject',
  });
  return {
    status: 200,
    headers: {
      etag: quoted(version.etag),
      ...checksumHeaders(version.checksum),
      ...versionHeader(store.buckets.get(request.bucket), version),
    },
  };
}

export async function copyObject(store: S3Store, request: S3Request): Promise<S3Answer> {
  checkBeforeBody(store, request);
  const source = findCopySource(store, request);
  const replacesMetadata = replaces('x-amz-metadata-directive', request);
  const replacesTags = replaces('x-amz-tagging-directive', request);
  checkCopy(request, source, replacesMetadata);
  const wanted = request.headers.get('x-amz-checksum-algorithm');
  const algorithm =
    wanted === undefined ? (source.checksum?.algorithm ?? USUAL_ALGORITHM) : checksumAlgorithm(wanted);
  const named = headersToStore(request);
  const headers = {
    ...withoutTags(replacesMetadata ? named : source.headers),
    ...onlyTags(replacesTags ? named : source.headers),
  };
  const digester = new Digester(algorithm);
  const sourcePieces = store.versions.pieces(source);
  const release = store.files.hold(sourcePieces);
  const bytes = store.files.read(sourcePieces, 0, source.size);
  const piece = await store.files.write(digester.through(bytes)).finally(release);
  const digests = digester.digests();
  const version = makeVisible(store, request, {
    modified: store.nowSeconds(),
    etag: digests.md5,
    headers,
    checksum: fullChecksum(digests),
    pieces: [piece],
    reason: 'CopyObject',
  });
  const elements = {
    LastModified: isoTime(version.modified),
    ETag: quoted(version.etag),
    ...checksumElements(version.checksum),
  };
  return xmlAnswer('CopyObjectResult', elements, {
    ...versionHeader(store.buckets.get(request.bucket), version),
    ...copySourceVersionHeader(store, source),
  });
}

/** Refuses before the upload what the transaction would refuse after it. */
function checkBeforeBody(store: S3Store, request: S3Request): void {
  store.buckets.get(request.bucket);
  checkWrite(request, request.key, store.versions.newest(request.bucket, Buffer.from(request.key)));
}

/** Commits an object whose files have been written. Deletes the files if the object is refused. */
function makeVisible(store: S3Store, request: S3Request, object: NewObject): ObjectVersion {
  try {
    return store.transaction((unneeded) => addObject(store, request, object, unneeded));
  } catch (error) {
    store.files.remove(object.pieces.map((piece) => piece.file));
    throw error;
  }
}

/** Whether a copy has its own metadata, or its own tags, instead of those of its source. */
function replaces(directiveHeader: string, request: S3Request): boolean {
  const directive = request.headers.get(directiveHeader) ?? 'COPY';
  if (directive === 'COPY' || directive === 'REPLACE') return directive === 'REPLACE';
  throw invalidArgument(directiveHeader, directive, 'The directive must be COPY or REPLACE.');
}

function checkCopy(request: S3Request, source: ObjectVersion, replacesMetadata: boolean): void {
  if (source.size > MAX_COPY_BYTES) throw invalidRequest('A copy source may have at most 5 GiB.');
  const namesVersion = parseCopySource(request)?.versionId !== undefined;
  const toItself = source.bucket === request.bucket && source.key.equals(Buffer.from(request.key));
  if (toItself && !replacesMetadata && !namesVersion) {
    throw invalidRequest('A copy of an object to itself must change its metadata.');
  }
}
