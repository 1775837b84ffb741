import {
  DeleteObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { RetryLater } from '../core/errors.ts';
import type { ResultStore } from '../core/ports.ts';
import { headObject, readObject, s3Failure } from './s3-object.ts';
import { beginUpload, completeUpload, S3Writer, uploadPart } from './s3-writer.ts';

const DELETED_AT_ONCE = 1_000; // S3's limit

/** The results bucket on S3; `owner` is the account that has to own it. */
export function createS3ResultStore(options: {
  client: S3Client;
  bucket: string;
  owner: string;
}): ResultStore {
  const { client, bucket, owner } = options;
  const at = (key: string) => ({ bucket, key, owner });
  return {
    put: (key, body, contentType) =>
      translated(`put ${key}`, async () => {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: body,
            ContentType: contentType,
            ExpectedBucketOwner: owner,
          }),
        );
      }),
    openWriter: (key, contentType) => new S3Writer(client, { ...at(key), contentType }),
    size: async (key) => (await headObject(client, at(key)))?.size,
    read: (key, range) => readObject(client, at(key), range),
    keysUnder: (prefix) => keysUnder(client, bucket, owner, prefix),
    async remove(keys) {
      for (let from = 0; from < keys.length; from += DELETED_AT_ONCE) {
        await removeSome(client, bucket, owner, keys.slice(from, from + DELETED_AT_ONCE));
      }
    },
    beginUpload: (key, contentType) =>
      translated(`begin the upload of ${key}`, () => beginUpload(client, { ...at(key), contentType })),
    uploadBytes: (key, uploadId, partNumber, body) =>
      translated(`upload part ${partNumber} of ${key}`, () =>
        uploadPart(client, at(key), { uploadId, partNumber, body }),
      ),
    uploadCopy: (key, uploadId, partNumber, source) => {
      const tried = `copy ${source.key} to part ${partNumber} of ${key}`;
      return translated(tried, async () => {
        const answer = await client.send(
          new UploadPartCopyCommand({
            Bucket: bucket,
            Key: key,
            UploadId: uploadId,
            PartNumber: partNumber,
            CopySource: `${bucket}/${source.key.split('/').map(encodeURIComponent).join('/')}`,
            CopySourceRange: `bytes=${source.start}-${source.end - 1}`,
            ExpectedBucketOwner: owner,
            ExpectedSourceBucketOwner: owner,
          }),
        );
        const etag = answer.CopyPartResult?.ETag;
        if (etag === undefined) throw new RetryLater(`${tried}: no ETag was answered`);
        return etag;
      });
    },
    completeUpload: (key, uploadId, etags) => completeUpload(client, at(key), uploadId, etags),
  };
}

async function keysUnder(client: S3Client, bucket: string, owner: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  const tried = `list what is under ${prefix}`;
  for (let from: string | undefined; ; ) {
    const page = await translated(tried, () =>
      client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          ExpectedBucketOwner: owner,
          Prefix: prefix,
          EncodingType: 'url', // a key may hold what XML cannot
          ...(from === undefined ? {} : { ContinuationToken: from }),
        }),
      ),
    );
    for (const { Key } of page.Contents ?? [])
      if (Key !== undefined) keys.push(decodeURIComponent(Key.replaceAll('+', ' ')));
    if (page.IsTruncated !== true) return keys;
    from = page.NextContinuationToken;
    if (from === undefined) throw new RetryLater(`${tried}: the list says that it goes on, and not where`);
  }
}

async function removeSome(client: S3Client, bucket: string, owner: string, keys: string[]): Promise<void> {
  const tried = `remove ${keys.length} objects`;
  const { Errors = [] } = await translated(tried, () =>
    client.send(
      new DeleteObjectsCommand({
        Bucket: bucket,
        ExpectedBucketOwner: owner,
        Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
      }),
    ),
  );
  const [first] = Errors;
  if (first !== undefined) {
    throw new RetryLater(
      `${tried}: ${Errors.length} are left, the first for ${first.Code ?? 'no stated reason'}`,
    );
  }
}

async function translated<T>(tried: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw s3Failure(tried, error);
  }
}
