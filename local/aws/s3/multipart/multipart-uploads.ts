import { randomBytes } from 'node:crypto';
import { invalidArgument, invalidRequest } from '../errors.ts';
import { copySourceVersionHeader, findCopySource } from '../objects/copy-sources.ts';
import type { Piece } from '../objects/data-files.ts';
import { MAX_COPY_BYTES } from '../objects/object-writes.ts';
import type { S3Store } from '../store.ts';
import {
  type ChecksumAlgorithm,
  checksumAlgorithm,
  checksumHeader,
  isLinear,
  USUAL_ALGORITHM,
} from '../wire/checksums.ts';
import { Digester, type Digests, declaredChecksum, receiveFile } from '../wire/payload.ts';
import type { ByteRange } from '../wire/ranges.ts';
import type { S3Answer, S3Request } from '../wire/request.ts';
import { partNumberOf } from '../wire/request-documents.ts';
import { isoTime, quoted, xmlAnswer } from '../wire/responses.ts';
import { headersToStore } from '../wire/stored-headers.ts';
import type { Part, Upload } from './uploads.ts';

/** Returns the upload that the request names by its `uploadId`. */
export const findUpload = (store: S3Store, request: S3Request): Upload => {
  store.buckets.get(request.bucket);
  return store.uploads.get(request.query.get('uploadId') ?? '', request.bucket, Buffer.from(request.key));
};

export function createMultipartUpload(store: S3Store, request: S3Request): S3Answer {
  store.buckets.get(request.bucket);
  const checksum = plannedChecksum(request);
  const upload = store.transaction(() => {
    const created: Upload = {
      id: randomBytes(32).toString('base64url'),
      seq: store.nextSeq(),
      bucket: request.bucket,
      key: Buffer.from(request.key),
      initiated: store.nowSeconds(),
      headers: headersToStore(request),
      checksum,
    };
    store.uploads.insert(created);
    return created;
  });
  const headers =
    checksum === undefined
      ? {}
      : { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type };
  const elements = { Bucket: request.bucket, Key: request.key, UploadId: upload.id };
  return xmlAnswer('InitiateMultipartUploadResult', elements, headers);
}

/** SHA checksums cannot be combined into a full-object one. CRC64NVME is always a full-object one. */
function plannedChecksum(request: S3Request): Upload['checksum'] {
  const name = request.headers.get('x-amz-checksum-algorithm');
  const type = request.headers.get('x-amz-checksum-type');
  if (name === undefined) {
    if (type === undefined) return undefined;
    throw invalidRequest('x-amz-checksum-type needs x-amz-checksum-algorithm.');
  }
  const algorithm = checksumAlgorithm(name);
  const usual = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  const wanted = type ?? usual;
  if (wanted !== 'FULL_OBJECT' && wanted !== 'COMPOSITE') {
    throw invalidArgument('x-amz-checksum-type', wanted, 'The type must be COMPOSITE or FULL_OBJECT.');
  }
  const possible = wanted === 'FULL_OBJECT' ? isLinear(algorithm) : algorithm !== 'CRC64NVME';
  if (!possible) throw invalidRequest(`${algorithm} has no checksum of type ${wanted}.`);
  return { algorithm, type: wanted };
}

export async function uploadPart(store: S3Store, request: S3Request): Promise<S3Answer> {
  const upload = findUpload(store, request);
  const number = partNumberOf(request.query.get('partNumber') ?? '');
  checkPartAlgorithm(upload, declaredChecksum(request)?.algorithm);
  const received = await receiveFile(request, store.files, upload.checksum?.algorithm ?? USUAL_ALGORITHM);
  const part = savePart(store, request, number, received);
  const headers = { etag: quoted(part.etag) };
  const checksum = part.checksum && { [checksumHeader(part.checksum.algorithm)]: part.checksum.value };
  return { status: 200, headers: { ...headers, ...checksum } };
}

function checkPartAlgorithm(upload: Upload, algorithm: ChecksumAlgorithm | undefined): void {
  const expected = upload.checksum?.algorithm;
  if (expected === undefined || algorithm === undefined || expected === algorithm) return;
  throw invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, ` +
      `actual checksum Type: ${algorithm.toLowerCase()}`,
  );
}

export async function uploadPartCopy(store: S3Store, request: S3Request): Promise<S3Answer> {
  const upload = findUpload(store, request);
  const number = partNumberOf(request.query.get('partNumber') ?? '');
  const source = findCopySource(store, request);
  const { start, end } = copyRange(request.headers.get('x-amz-copy-source-range'), source.size);
  if (end - start > MAX_COPY_BYTES) throw invalidRequest('A copied part may have at most 5 GiB.');
  const digester = new Digester(upload.checksum?.algorithm ?? USUAL_ALGORITHM);
  const sourcePieces = store.versions.pieces(source);
  const release = store.files.hold(sourcePieces);
  const bytes = store.files.read(sourcePieces, start, end);
  const piece = await store.files.write(digester.through(bytes)).finally(release);
  const part = savePart(store, request, number, { ...piece, ...digester.digests() });
  const elements = {
    LastModified: isoTime(part.modified),
    ETag: quoted(part.etag),
    ...partChecksumElement(part),
  };
  return xmlAnswer('CopyPartResult', elements, copySourceVersionHeader(store, source));
}

/** Unlike the range of a read, this one needs both ends and must be within the source. */
function copyRange(header: string | undefined, size: number): ByteRange {
  if (header === undefined) return { start: 0, end: size };
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  if (first !== undefined && last !== undefined && Number(first) <= Number(last) && Number(last) < size) {
    return { start: Number(first), end: Number(last) + 1 };
  }
  const message = `The range is not of the form bytes=first-last or not within the ${size} bytes of the source.`;
  throw invalidArgument('x-amz-copy-source-range', header, message);
}

/** Saves a part, unless its upload was completed or aborted while the bytes arrived. */
function savePart(store: S3Store, request: S3Request, number: number, content: Piece & Digests): Part {
  const { file, size, md5, checksum } = content;
  const part = { number, file, size, etag: md5, modified: store.nowSeconds(), checksum };
  try {
    store.transaction((unneeded) => {
      const replaced = store.uploads.savePart(findUpload(store, request), part);
      if (replaced !== undefined) unneeded.push(replaced);
    });
  } catch (error) {
    store.files.remove([file]);
    throw error;
  }
  return part;
}

export function abortMultipartUpload(store: S3Store, request: S3Request): S3Answer {
  store.transaction((unneeded) => {
    const upload = findUpload(store, request);
    unneeded.push(...store.uploads.parts(upload).map((part) => part.file));
    store.uploads.delete(upload);
  });
  return { status: 204 };
}

export const partChecksumElement = ({ checksum }: Part): Record<string, string> =>
  checksum === undefined ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value };
