import {
  getBucketLocation,
  getBucketNotificationConfiguration,
  getBucketVersioning,
  headBucket,
  listBuckets,
} from './bucket-reads.ts';
import { completeMultipartUpload } from './multipart-completion.ts';
import {
  abortMultipartUpload,
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
} from './multipart-uploads.ts';
import { deleteObject, deleteObjects } from './object-deletes.ts';
import { listObjectsV2, listObjectVersions } from './object-listings.ts';
import { getObject } from './object-reads.ts';
import { copyObject, putObject } from './object-writes.ts';
import type { S3Answer, S3Request } from './request.ts';
import type { S3Store } from './store.ts';
import { listMultipartUploads, listParts } from './upload-listings.ts';

type Operation = (store: S3Store, request: S3Request) => S3Answer | Promise<S3Answer>;

/** The subset: what the functions, the command line and a subscriber use, by the names of the API. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['AbortMultipartUpload', abortMultipartUpload],
  ['CompleteMultipartUpload', completeMultipartUpload],
  ['CopyObject', copyObject],
  ['CreateMultipartUpload', createMultipartUpload],
  ['DeleteObject', deleteObject],
  ['DeleteObjects', deleteObjects],
  ['GetBucketLocation', getBucketLocation],
  ['GetBucketNotificationConfiguration', getBucketNotificationConfiguration],
  ['GetBucketVersioning', getBucketVersioning],
  ['GetObject', getObject],
  ['HeadBucket', headBucket],
  ['HeadObject', getObject],
  ['ListBuckets', listBuckets],
  ['ListMultipartUploads', listMultipartUploads],
  ['ListObjectVersions', listObjectVersions],
  ['ListObjectsV2', listObjectsV2],
  ['ListParts', listParts],
  ['PutObject', putObject],
  ['UploadPart', uploadPart],
  ['UploadPartCopy', uploadPartCopy],
]);
