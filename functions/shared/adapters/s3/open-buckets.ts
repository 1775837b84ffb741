import { S3Client } from '@aws-sdk/client-s3';
import type { RequestFiles, ResultStore } from '../../ports/ports.ts';
import { S3_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { createS3RequestFiles } from './request-files.ts';
import { createS3ResultStore } from './result-store.ts';

/** The request bucket and the results bucket. */
export interface Buckets {
  requestFiles: RequestFiles;
  results: ResultStore;
}

/** Opens both buckets with one client. `bucket`: the results bucket. */
export function openBuckets(options: { bucket: string; owner: string; prefix: string | undefined }): Buckets {
  const client = new S3Client(S3_CLIENT_SETTINGS);
  return {
    requestFiles: createS3RequestFiles({ client, owner: options.owner }),
    results: createS3ResultStore({ client, ...options }),
  };
}
