import { DeleteObjectsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { isInternal } from '../../contract/result-keys.ts';
import { RetryableError } from '../../domain/errors.ts';
import type { ResultStore } from '../../ports/ports.ts';
import { copyPart } from './copy-part.ts';
import { headObject, readObject, translated } from './object.ts';
import {
  abortUpload,
  beginUpload,
  completeUpload,
  putObject,
  S3Writer,
  uploadPart,
} from './object-writer.ts';
import { ENDED_TAGGING } from './tags.ts';

const DELETED_AT_ONCE = 1_000; // S3's limit

/**
 * Reads and writes the results bucket on S3. `owner`: the AWS account that must own the bucket. `prefix`: the start of
 * all keys. Keys that callers pass or receive do not contain it.
 */
export function createS3ResultStore(options: {
  client: S3Client;
  bucket: string;
  owner: string;
  prefix?: string | undefined;
}): ResultStore {
  const { client, bucket, owner, prefix = '' } = options;
  const at = (key: string) => ({ bucket, key: prefix + key, owner });
  const to = (key: string, contentType: string) => ({
    ...at(key),
    contentType,
    ...(isInternal(key) ? {} : { tagging: ENDED_TAGGING }),
  });
  return {
    put: (key, body, contentType) => putObject(client, to(key, contentType), body),
    openWriter: (key, contentType) => new S3Writer(client, to(key, contentType)),
    size: async (key) => (await headObject(client, at(key)))?.size,
    read: (key, range) => readObject(client, at(key), range),
    async keysUnder(folder) {
      const keys = await keysUnder(client, bucket, owner, prefix + folder);
      return keys.map((key) => key.slice(prefix.length));
    },
    async remove(keys) {
      for (let from = 0; from < keys.length; from += DELETED_AT_ONCE) {
        const batch = keys.slice(from, from + DELETED_AT_ONCE).map((key) => prefix + key);
        await removeBatch(client, bucket, owner, batch);
      }
    },
    beginUpload: (key, contentType) => beginUpload(client, to(key, contentType)),
    uploadBytes: (key, uploadId, partNumber, body) =>
      uploadPart(client, at(key), { uploadId, partNumber, body }),
    uploadCopy: (key, uploadId, partNumber, { key: source, start, end }) =>
      copyPart(client, at(key), { from: at(source), start, end }, { uploadId, partNumber }),
    completeUpload: (key, uploadId, etags) => completeUpload(client, at(key), uploadId, etags),
    abortUpload: (key, uploadId) => abortUpload(client, at(key), uploadId),
  };
}

async function keysUnder(client: S3Client, bucket: string, owner: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  const tried = `list ${prefix}`;
  for (let from: string | undefined; ; ) {
    const page = await translated(tried, () =>
      client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          ExpectedBucketOwner: owner,
          Prefix: prefix,
          EncodingType: 'url', // a key may contain characters that XML does not allow
          ...(from === undefined ? {} : { ContinuationToken: from }),
        }),
      ),
    );
    for (const { Key } of page.Contents ?? [])
      if (Key !== undefined) keys.push(decodeURIComponent(Key.replaceAll('+', ' ')));
    if (page.IsTruncated !== true) return keys;
    from = page.NextContinuationToken;
    if (from === undefined)
      throw new RetryableError(`${tried}: the page is truncated, but has no continuation token`);
  }
}

async function removeBatch(client: S3Client, bucket: string, owner: string, keys: string[]): Promise<void> {
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
    throw new RetryableError(
      `${tried}: S3 refused ${Errors.length}, the first for ${first.Code ?? 'no given reason'}`,
    );
  }
}
