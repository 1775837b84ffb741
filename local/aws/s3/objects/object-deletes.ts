import { neededToDelete } from '../../iam/needed-permissions.ts';
import { AwsError } from '../../protocol/aws-error.ts';
import type { XmlContent } from '../../protocol/xml.ts';
import { invalidRequest, notImplemented, S3Error } from '../errors.ts';
import type { S3Store } from '../store.ts';
import { declaredChecksum, receiveText } from '../wire/payload.ts';
import { checkKeyLength, type S3Answer, type S3Request } from '../wire/request.ts';
import { parseDelete } from '../wire/request-documents.ts';
import { versionHeader, xmlAnswer } from '../wire/responses.ts';
import { addDeleteMarker } from './new-version.ts';
import type { ObjectVersion } from './versions.ts';

/** The effect of a deletion: the delete marker that it added or removed, or the version that it removed. */
interface Deletion {
  readonly marker: ObjectVersion | undefined;
  readonly versionId: string | undefined;
}

function deleteOne(
  store: S3Store,
  bucketName: string,
  key: string,
  versionId: string | undefined,
  unneeded: string[],
): Deletion {
  const bucket = store.buckets.get(bucketName);
  const keyBytes = Buffer.from(key);
  if (versionId === undefined && bucket.versioning !== 'Never') {
    return { marker: addDeleteMarker(store, bucket, keyBytes, unneeded), versionId: undefined };
  }
  const version = store.versions.byId(bucketName, keyBytes, versionId ?? 'null');
  if (version !== undefined) unneeded.push(...store.versions.delete(version));
  return { marker: version?.deleteMarker === true ? version : undefined, versionId };
}

export function deleteObject(store: S3Store, request: S3Request): S3Answer {
  if (request.headers.has('if-match')) throw notImplemented('If-Match on a deletion');
  const deletion = store.transaction((unneeded) =>
    deleteOne(store, request.bucket, request.key, request.query.get('versionId'), unneeded),
  );
  const { marker, versionId } = deletion;
  const headers =
    marker === undefined
      ? versionId === undefined
        ? {}
        : { 'x-amz-version-id': versionId }
      : {
          'x-amz-delete-marker': 'true',
          ...versionHeader(store.buckets.get(request.bucket), marker),
        };
  return { status: 204, headers };
}

export async function deleteObjects(store: S3Store, request: S3Request): Promise<S3Answer> {
  store.buckets.get(request.bucket);
  if (declaredChecksum(request) === undefined && !request.headers.has('content-md5')) {
    throw invalidRequest('This operation needs Content-MD5 or a checksum header.');
  }
  const { quiet, objects } = parseDelete(await receiveText(request, { bodyChecksum: true }));
  const deleted: XmlContent[] = [];
  const failed: XmlContent[] = [];
  store.transaction((unneeded) => {
    for (const { key, versionId } of objects) {
      try {
        checkKeyLength(key);
        request.caller.demand(neededToDelete(request.bucket, key, versionId));
        const deletion = deleteOne(store, request.bucket, key, versionId, unneeded);
        deleted.push(deletedElement(key, deletion));
      } catch (error) {
        const refused = error instanceof AwsError;
        if (!refused && !(error instanceof S3Error)) throw error;
        failed.push({ Key: key, Code: refused ? 'AccessDenied' : error.code, Message: error.message });
      }
    }
  });
  return xmlAnswer('DeleteResult', { Deleted: quiet ? [] : deleted, Error: failed });
}

const deletedElement = (key: string, { marker, versionId }: Deletion): XmlContent => ({
  Key: key,
  ...(versionId === undefined ? {} : { VersionId: versionId }),
  ...(marker === undefined ? {} : { DeleteMarker: true, DeleteMarkerVersionId: marker.versionId }),
});
