import { createHash } from 'node:crypto';
import { badDigest, invalidRequest, S3Error } from '../errors.ts';
import { addObject } from '../objects/new-version.ts';
import type { S3Store } from '../store.ts';
import { type Checksum, checksumHeader, checksumOfParts, USUAL_ALGORITHM } from '../wire/checksums.ts';
import { unquoted } from '../wire/conditions.ts';
import { receiveText } from '../wire/payload.ts';
import type { S3Answer, S3Request } from '../wire/request.ts';
import { type CompletedPart, parseCompletedParts } from '../wire/request-documents.ts';
import { checksumElements, quoted, versionHeader, xmlAnswer } from '../wire/responses.ts';
import { findUpload } from './multipart-uploads.ts';
import type { Part, Upload } from './uploads.ts';

const SMALLEST_PART_BYTES = 5 * 1024 ** 2; // for all parts but the last

/** Creates an object from the named parts. No byte is copied: the object consists of the parts' files. */
export async function completeMultipartUpload(store: S3Store, request: S3Request): Promise<S3Answer> {
  findUpload(store, request);
  // A checksum header is the new object's checksum, not the one of this request's XML body.
  const wanted = parseCompletedParts(await receiveText(request, { bodyChecksum: false }));
  const version = store.transaction((unneeded) => {
    const upload = findUpload(store, request);
    const uploaded = store.uploads.parts(upload);
    const parts = chosenParts(upload, uploaded, wanted);
    checkSize(request, parts);
    const checksum = objectChecksum(request, upload, parts);
    store.uploads.delete(upload);
    unneeded.push(...uploaded.filter((part) => !parts.includes(part)).map((part) => part.file));
    const { headers, initiated } = upload; // S3 uses the start of the upload as the object's date
    const etag = etagOfParts(parts);
    const reason = 'CompleteMultipartUpload';
    return addObject(
      store,
      request,
      { modified: initiated, etag, headers, checksum, pieces: parts, reason },
      unneeded,
    );
  });
  const elements = {
    Location: `http://${request.headers.get('host') ?? ''}/${request.bucket}/${encodeURI(request.key)}`,
    Bucket: request.bucket,
    Key: request.key,
    ETag: quoted(version.etag),
    ...checksumElements(version.checksum),
  };
  const bucket = store.buckets.get(request.bucket);
  return xmlAnswer('CompleteMultipartUploadResult', elements, versionHeader(bucket, version));
}

const invalidPart = (part: CompletedPart): S3Error =>
  new S3Error(400, 'InvalidPart', 'A specified part was not uploaded, or has another ETag or checksum.', {
    details: { PartNumber: String(part.number), ETag: part.etag },
  });

/** Returns the uploaded parts that the request names, after checking the ETag and checksum of each. */
function chosenParts(upload: Upload, uploaded: readonly Part[], wanted: readonly CompletedPart[]): Part[] {
  const byNumber = new Map(uploaded.map((part) => [part.number, part]));
  let previous = 0;
  const chosen = wanted.map((named) => {
    if (named.number <= previous) {
      throw new S3Error(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
    }
    previous = named.number;
    const part = byNumber.get(named.number);
    if (part === undefined || unquoted(named.etag) !== part.etag) throw invalidPart(named);
    checkPartChecksum(upload, named, part);
    return part;
  });
  for (const part of chosen.slice(0, -1)) {
    if (part.size < SMALLEST_PART_BYTES) throw tooSmall(part);
  }
  return chosen;
}

const tooSmall = (part: Part): S3Error =>
  new S3Error(400, 'EntityTooSmall', 'A part other than the last is smaller than 5 MiB.', {
    details: {
      ProposedSize: String(part.size),
      MinSizeAllowed: String(SMALLEST_PART_BYTES),
      PartNumber: String(part.number),
      ETag: part.etag,
    },
  });

function checkPartChecksum(upload: Upload, named: CompletedPart, part: Part): void {
  const algorithm = part.checksum?.algorithm;
  const given = algorithm && named.checksums.get(algorithm);
  if (given !== undefined && given !== part.checksum?.value) throw invalidPart(named);
  if (given === undefined && upload.checksum?.type === 'COMPOSITE') {
    const name = upload.checksum.algorithm.toLowerCase();
    throw invalidRequest(
      `The upload was created using a ${name} checksum. The complete request must include the checksum ` +
        `for each part. It was missing for part ${named.number} in the request.`,
    );
  }
}

function checkSize(request: S3Request, parts: readonly Part[]): void {
  const declared = request.headers.get('x-amz-mp-object-size');
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (declared !== undefined && declared !== String(size)) {
    throw invalidRequest(`x-amz-mp-object-size is ${declared} bytes, but the parts have ${size}.`);
  }
}

function objectChecksum(request: S3Request, upload: Upload, parts: readonly Part[]): Checksum | undefined {
  const { algorithm, type } = upload.checksum ?? { algorithm: USUAL_ALGORITHM, type: 'FULL_OBJECT' };
  // Every part has a checksum: the client's, or one that was computed on arrival. If the upload requested no algorithm,
  // the clients' algorithms may differ.
  if (parts.some((part) => part.checksum?.algorithm !== algorithm)) return undefined;
  const checksums = parts.map((part) => ({ checksum: part.checksum?.value ?? '', size: part.size }));
  const checksum = checksumOfParts(algorithm, type, checksums);
  const declared = request.headers.get(checksumHeader(algorithm));
  const bare = checksum.value.replace(/-\d+$/, '');
  if (declared !== undefined && declared !== checksum.value && declared !== bare) throw badDigest(algorithm);
  return checksum;
}

function etagOfParts(parts: readonly Part[]): string {
  const md5 = createHash('md5');
  for (const part of parts) md5.update(part.etag, 'hex');
  return `${md5.digest('hex')}-${parts.length}`;
}
