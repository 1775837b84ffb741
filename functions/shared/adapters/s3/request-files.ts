import type { S3Client } from '@aws-sdk/client-s3';
import type { RequestFiles } from '../../ports/ports.ts';
import { headObject, readObject } from './object.ts';
import { addEndedTag } from './tags.ts';

/** Reads the request bucket on S3, and tags its files. `owner`: the AWS account that must own the bucket. */
export function createS3RequestFiles(options: { client: S3Client; owner: string }): RequestFiles {
  const { client, owner } = options;
  return {
    head: ({ bucket, key, versionId }) => headObject(client, { bucket, key, versionId, owner }),
    read: ({ bucket, key, versionId }, range) => readObject(client, { bucket, key, versionId, owner }, range),
    tagEnded: ({ bucket, key, versionId }) => addEndedTag(client, { bucket, key, versionId, owner }),
  };
}
