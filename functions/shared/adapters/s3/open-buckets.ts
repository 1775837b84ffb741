import type { RequestFiles, ResultStore } from '../../ports/ports.ts';
import { openS3Client } from './open-client.ts';
import { createS3RequestFiles } from './request-files.ts';
import { createS3ResultStore } from './result-store.ts';

/** The request bucket and the results bucket. */
export interface Buckets {
  requestFiles: RequestFiles;
  results: ResultStore;
}

/** Opens both buckets with one client. `bucket`: the results bucket. */
export function openBuckets(options: { bucket: string; owner: string; prefix: string | undefined }): Buckets {
  const client = openS3Client();
  return {
    requestFiles: createS3RequestFiles({ client, owner: options.owner }),
    results: createS3ResultStore({ client, ...options }),
  };
}
