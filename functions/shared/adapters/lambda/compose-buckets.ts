import type { Buckets } from '../s3/open-buckets.ts';
import type { ResultsPlace } from './composition.ts';
import { lateRequestFiles, lateResults, loadedOnce } from './late-ports.ts';

/** The request bucket and the results bucket. */
export function createBuckets(env: ResultsPlace & { BUCKET_OWNER: string }): Buckets {
  const { RESULTS_BUCKET: bucket, BUCKET_OWNER: owner, RESULTS_PREFIX: prefix } = env;
  const load = loadedOnce(async () =>
    (await import('../s3/open-buckets.ts')).openBuckets({ bucket, owner, prefix }),
  );
  return {
    requestFiles: lateRequestFiles(async () => (await load()).requestFiles),
    results: lateResults(async () => (await load()).results),
  };
}
