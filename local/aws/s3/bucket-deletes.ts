import { S3Error } from './errors.ts';
import type { S3Store } from './store.ts';
import type { S3Answer, S3Request } from './wire/request.ts';

/** Stricter than AWS, which documents no error for uploads that are not complete: nothing may be left behind. */
export function deleteBucket(store: S3Store, { bucket: name }: S3Request): S3Answer {
  const { name: known } = store.buckets.get(name);
  store.transaction(() => {
    if (!store.buckets.isEmpty(known)) throw bucketNotEmpty(known);
    store.buckets.delete(known);
  });
  return { status: 204, headers: {} };
}

function bucketNotEmpty(bucket: string): S3Error {
  const message = 'The bucket you tried to delete is not empty. You must delete all versions in the bucket.';
  return new S3Error(409, 'BucketNotEmpty', message, { details: { BucketName: bucket } });
}
