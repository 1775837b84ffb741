import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Failure } from '../terminal/failure.ts';

/** Objects of a bucket. `owner`: the account that must own the bucket. `prefix`: the start of their keys. */
export interface ObjectPlace {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly owner: string;
  readonly prefix?: string;
}

/** A version of an object, or a delete marker. */
export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  readonly bytes: number;
  readonly isMarker: boolean;
  /** Without quotes. */
  readonly etag: string;
}

/** An upload that was never completed: S3 keeps and bills its parts. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
}

/** Yields pages of all versions and delete markers, also of a bucket without versions. Errors: those of S3. */
export async function* versionPages({
  s3,
  bucket,
  owner,
  prefix,
}: ObjectPlace): AsyncGenerator<ObjectVersion[]> {
  let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
  while (next !== undefined) {
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({ Bucket: bucket, ExpectedBucketOwner: owner, Prefix: prefix, ...next }),
    );
    const { Versions = [], DeleteMarkers = [], IsTruncated, NextKeyMarker, NextVersionIdMarker } = page;
    next = IsTruncated ? { KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker } : undefined;
    yield [
      ...Versions.map((version) => ({
        ...namesOf(version),
        ...{ bytes: version.Size ?? 0, isMarker: false, etag: (version.ETag ?? '').replaceAll('"', '') },
      })),
      ...DeleteMarkers.map((marker) => ({ ...namesOf(marker), bytes: 0, isMarker: true, etag: '' })),
    ];
  }
}

/** Returns the versions and delete markers of one key. Of all keys that begin with it, it is the first. Errors: those of S3. */
export async function versionsOf(place: ObjectPlace, key: string): Promise<ObjectVersion[]> {
  const found: ObjectVersion[] = [];
  for await (const page of versionPages({ ...place, prefix: key })) {
    found.push(...page.filter((version) => version.key === key));
    if (page.some((version) => version.key !== key)) break;
  }
  return found;
}

/** Returns all versions and delete markers. Errors: those of S3. */
export async function everyVersion(place: ObjectPlace): Promise<ObjectVersion[]> {
  const found: ObjectVersion[] = [];
  for await (const page of versionPages(place)) found.push(...page);
  return found;
}

function namesOf({ Key, VersionId }: { Key?: string | undefined; VersionId?: string | undefined }) {
  return { key: Key ?? '', versionId: VersionId ?? 'null' };
}

/** Deletes at most 1,000 versions for good. Throws a Failure that names the first one that S3 did not delete. */
export async function removeVersions(
  { s3, bucket, owner }: ObjectPlace,
  versions: readonly ObjectVersion[],
): Promise<void> {
  if (versions.length === 0) return;
  const Objects = versions.map(({ key, versionId }) => ({ Key: key, VersionId: versionId }));
  const { Errors: [refused] = [] } = await s3.send(
    new DeleteObjectsCommand({
      Bucket: bucket,
      ExpectedBucketOwner: owner,
      Delete: { Objects, Quiet: true },
    }),
  );
  if (refused !== undefined)
    throw new Failure(
      `S3 did not delete s3://${bucket}/${refused.Key}: ${refused.Message ?? refused.Code}. Repeat the command.`,
    );
}

/** Returns the uploads that were never completed. Errors: those of S3. */
export async function openUploads({ s3, bucket, owner, prefix }: ObjectPlace): Promise<OpenUpload[]> {
  const found: OpenUpload[] = [];
  let next: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
  while (next !== undefined) {
    const page: ListMultipartUploadsCommandOutput = await s3.send(
      new ListMultipartUploadsCommand({
        Bucket: bucket,
        ExpectedBucketOwner: owner,
        Prefix: prefix,
        ...next,
      }),
    );
    const { Uploads = [], IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
    next = IsTruncated ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker } : undefined;
    for (const { Key: key = '', UploadId: uploadId = '' } of Uploads) found.push({ key, uploadId });
  }
  return found;
}

/** Discards the uploads. Errors: those of S3. */
export async function abortUploads(
  { s3, bucket, owner }: ObjectPlace,
  uploads: readonly OpenUpload[],
): Promise<void> {
  for (const { key, uploadId } of uploads)
    await s3.send(
      new AbortMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        UploadId: uploadId,
        ExpectedBucketOwner: owner,
      }),
    );
}
