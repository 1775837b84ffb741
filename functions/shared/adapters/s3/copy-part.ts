import { type S3Client, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { RetryableError } from '../../domain/errors.ts';
import { inputOf, type S3Place, translated } from './object.ts';

/** The bytes of another object that become a part: `start` to `end` (exclusive), of the object with this ETag, if given. */
export interface CopiedRange {
  from: S3Place;
  start: number;
  end: number;
  etag?: string;
}

/** Copies bytes of another object as a part of an upload, and returns the part's ETag. Errors: those of S3. */
export async function copyPart(
  client: S3Client,
  to: S3Place,
  { from, start, end, etag }: CopiedRange,
  { uploadId, partNumber }: { uploadId: string; partNumber: number },
  signal?: AbortSignal,
): Promise<string> {
  const tried = `copy ${from.key} to part ${partNumber} of ${to.key}`;
  const command = new UploadPartCopyCommand({
    ...inputOf(to),
    UploadId: uploadId,
    PartNumber: partNumber,
    CopySource: copySourceOf(from),
    CopySourceRange: `bytes=${start}-${end - 1}`,
    ExpectedSourceBucketOwner: from.owner,
    ...(etag === undefined ? {} : { CopySourceIfMatch: quoted(etag) }),
  });
  const { CopyPartResult } = await translated(tried, () => client.send(command, aborted(signal)));
  if (CopyPartResult?.ETag === undefined) throw new RetryableError(`${tried}: S3 returned no ETag`);
  return CopyPartResult.ETag;
}

/** Returns the object as the source of a copy. */
export function copySourceOf({ bucket, key }: S3Place): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
}

/** Returns an ETag as S3's conditions need it. */
export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** Returns the options of a call that ends with the signal. */
export function aborted(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
