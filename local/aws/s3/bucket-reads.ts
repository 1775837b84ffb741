import { LOCAL_REGION } from '../protocol/aws-service.ts';
import { OWNER } from './objects/object-listings.ts';
import type { S3Store } from './store.ts';
import type { S3Answer, S3Request } from './wire/request.ts';
import { isoTime, xmlAnswer } from './wire/responses.ts';

export function listBuckets(store: S3Store, request: S3Request): S3Answer {
  const buckets = store.buckets.list(request.query.get('prefix') ?? '');
  return xmlAnswer('ListAllMyBucketsResult', {
    Owner: OWNER,
    Buckets: {
      Bucket: buckets.map((bucket) => ({
        Name: bucket.name,
        CreationDate: isoTime(bucket.created),
        BucketRegion: LOCAL_REGION,
      })),
    },
  });
}

export function headBucket(store: S3Store, request: S3Request): S3Answer {
  store.buckets.get(request.bucket);
  return { status: 200, headers: { 'x-amz-bucket-region': LOCAL_REGION } };
}

/** The only region here, us-east-1, is reported as an empty constraint. */
export function getBucketLocation(store: S3Store, request: S3Request): S3Answer {
  store.buckets.get(request.bucket);
  return xmlAnswer('LocationConstraint', '');
}

export function getBucketVersioning(store: S3Store, request: S3Request): S3Answer {
  const { versioning } = store.buckets.get(request.bucket);
  return xmlAnswer('VersioningConfiguration', versioning === 'Never' ? {} : { Status: versioning });
}

export function getBucketNotificationConfiguration(store: S3Store, request: S3Request): S3Answer {
  const { eventBridge } = store.buckets.get(request.bucket);
  return xmlAnswer('NotificationConfiguration', eventBridge ? { EventBridgeConfiguration: {} } : {});
}
