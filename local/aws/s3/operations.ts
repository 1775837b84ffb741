import { deleteBucket } from './bucket-deletes.ts';
import {
  getBucketLocation,
  getBucketNotificationConfiguration,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from './bucket-reads.ts';
import { completeMultipartUpload } from './multipart/multipart-completion.ts';
import {
  abortMultipartUpload,
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
} from './multipart/multipart-uploads.ts';
import { listMultipartUploads, listParts } from './multipart/upload-listings.ts';
import { deleteObject, deleteObjects } from './objects/object-deletes.ts';
import { listObjectsV2, listObjectVersions } from './objects/object-listings.ts';
import { getObject } from './objects/object-reads.ts';
import { getObjectTagging, putObjectTagging } from './objects/object-tags.ts';
import { copyObject, putObject } from './objects/object-writes.ts';
import type { S3Store } from './store.ts';
import type { S3Answer, S3Request } from './wire/request.ts';

type Operation = (store: S3Store, request: S3Request) => S3Answer | Promise<S3Answer>;

/** The implemented operations by their API names. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['AbortMultipartUpload', abortMultipartUpload],
  ['CompleteMultipartUpload', completeMultipartUpload],
  ['CopyObject', copyObject],
  ['CreateMultipartUpload', createMultipartUpload],
  ['DeleteBucket', deleteBucket],
  ['DeleteObject', deleteObject],
  ['DeleteObjects', deleteObjects],
  ['GetBucketLocation', getBucketLocation],
  ['GetBucketNotificationConfiguration', getBucketNotificationConfiguration],
  ['GetBucketVersioning', getBucketVersioning],
  ['GetObject', getObject],
  ['GetObjectTagging', getObjectTagging],
  ['HeadBucket', headBucket],
  ['HeadObject', getObject],
  ['ListBuckets', listBuckets],
  ['ListMultipartUploads', listMultipartUploads],
  ['ListObjectVersions', listObjectVersions],
  ['ListObjectsV2', listObjectsV2],
  ['ListParts', listParts],
  ['PutObject', putObject],
  ['PutObjectTagging', putObjectTagging],
  ['UploadPart', uploadPart],
  ['UploadPartCopy', uploadPartCopy],
]);
