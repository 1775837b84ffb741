import { createS3RequestFiles } from '../../functions/shared/adapters/s3/request-files.ts';
import { createS3ResultStore } from '../../functions/shared/adapters/s3/result-store.ts';
import type { RequestFiles, ResultStore } from '../../functions/shared/ports/ports.ts';
import type { Connection } from './connection.ts';
import { accountIn } from './stack-names.ts';

/** What the CLI reads in the buckets of a Batchdrop. */
export interface ReadBuckets {
  readonly requestFiles: Pick<RequestFiles, 'head' | 'read'>;
  readonly results: Pick<ResultStore, 'size' | 'read'>;
}

/** Returns the buckets of the connection. As for the functions, both belong to the account of the stack. */
export function bucketsOf({ s3, names }: Pick<Connection, 's3' | 'names'>): ReadBuckets {
  const owner = accountIn(names);
  const { resultsBucket: bucket, resultsPrefix: prefix } = names;
  return {
    requestFiles: createS3RequestFiles({ client: s3, owner }),
    results: createS3ResultStore({ client: s3, bucket, owner, prefix }),
  };
}
