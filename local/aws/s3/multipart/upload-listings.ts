import type { XmlContent } from '../../protocol/xml.ts';
import { collectPage } from '../objects/listing.ts';
import {
  commonPrefixElements,
  keyWriter,
  OWNER,
  pageLimit,
  pageRequest,
  startAfterMarker,
} from '../objects/object-listings.ts';
import type { S3Store } from '../store.ts';
import type { S3Answer, S3Request } from '../wire/request.ts';
import { isoTime, keyText, quoted, xmlAnswer } from '../wire/responses.ts';
import { findUpload, partChecksumElement } from './multipart-uploads.ts';
import type { Upload } from './uploads.ts';

const checksumKind = ({ checksum }: Upload): Record<string, string> =>
  checksum === undefined ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type };

export function listMultipartUploads(store: S3Store, request: S3Request): S3Answer {
  const { query, bucket } = request;
  store.buckets.get(bucket);
  const write = keyWriter(request);
  const keyMarker = query.get('key-marker') ?? '';
  const uploadMarker = query.get('upload-id-marker') ?? '';
  const start = startAfterMarker(request, keyMarker);
  const wanted = pageRequest(request, start, 'max-uploads');
  const page = collectPage(wanted, function* (from) {
    if (uploadMarker !== '' && from === start) yield* laterOfKey(store, bucket, keyMarker, uploadMarker);
    yield* store.uploads.from(bucket, from);
  });
  const last = page.next?.last;
  return xmlAnswer('ListMultipartUploadsResult', {
    Bucket: bucket,
    KeyMarker: write(keyMarker),
    UploadIdMarker: uploadMarker,
    ...(last === undefined ? {} : nextMarkers(last, write)),
    Prefix: write(query.get('prefix') ?? ''),
    ...(query.has('delimiter') ? { Delimiter: write(query.get('delimiter') ?? '') } : {}),
    ...(query.has('encoding-type') ? { EncodingType: 'url' } : {}),
    MaxUploads: wanted.limit,
    IsTruncated: last !== undefined,
    Upload: page.rows.map(
      (upload): XmlContent => ({
        Key: write(keyText(upload)),
        UploadId: upload.id,
        Initiator: OWNER,
        Owner: OWNER,
        StorageClass: 'STANDARD',
        Initiated: isoTime(upload.initiated),
        ...checksumKind(upload),
      }),
    ),
    CommonPrefixes: commonPrefixElements(page.commonPrefixes, write),
  });
}

const nextMarkers = (last: Upload | string, write: (key: string) => string): Record<string, string> =>
  typeof last === 'string'
    ? { NextKeyMarker: write(last) }
    : { NextKeyMarker: write(keyText(last)), NextUploadIdMarker: last.id };

/**
 * Returns the uploads to the marker's key that began after the marker's upload. If that upload is gone, returns all of
 * them.
 */
function laterOfKey(store: S3Store, bucket: string, key: string, uploadId: string): Upload[] {
  const ofKey: Upload[] = [];
  for (const upload of store.uploads.from(bucket, Buffer.from(key))) {
    if (keyText(upload) !== key) break;
    ofKey.push(upload);
  }
  return ofKey.slice(ofKey.findIndex((upload) => upload.id === uploadId) + 1);
}

export function listParts(store: S3Store, request: S3Request): S3Answer {
  const upload = findUpload(store, request);
  const marker = Number(request.query.get('part-number-marker') ?? 0);
  const limit = pageLimit(request, 'max-parts');
  const following = store.uploads.parts(upload).filter((part) => part.number > marker);
  const shown = following.slice(0, limit);
  const last = shown.at(-1);
  const truncated = last !== undefined && shown.length < following.length;
  return xmlAnswer('ListPartsResult', {
    Bucket: request.bucket,
    Key: request.key,
    UploadId: upload.id,
    Initiator: OWNER,
    Owner: OWNER,
    StorageClass: 'STANDARD',
    PartNumberMarker: marker,
    ...(truncated ? { NextPartNumberMarker: last.number } : {}),
    MaxParts: limit,
    IsTruncated: truncated,
    ...checksumKind(upload),
    Part: shown.map((part) => ({
      PartNumber: part.number,
      LastModified: isoTime(part.modified),
      ETag: quoted(part.etag),
      Size: part.size,
      ...partChecksumElement(part),
    })),
  });
}
