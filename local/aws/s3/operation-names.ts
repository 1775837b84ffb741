import type { S3Request } from './wire/request.ts';

// Query parameters that name a subresource instead of the bucket or object itself. If one were missing here, the
// deletion of an object's annotation, for example, would delete the object.
const SUBRESOURCES = [
  'abac accelerate acl analytics annotation attributes cors encryption intelligent-tiering inventory legal-hold',
  'lifecycle location logging metadataAnnotationTable metadataConfiguration metadataInventoryTable',
  'metadataJournalTable metadataTable metrics notification object-lock ownershipControls policy policyStatus',
  'publicAccessBlock renameObject replication requestPayment restore retention select session tagging torrent',
  'versioning versions website',
].flatMap((line) => line.split(' '));

const NAMED_SUBRESOURCES: Readonly<Record<string, string>> = {
  'GET bucket notification': 'GetBucketNotificationConfiguration',
  'PUT bucket notification': 'PutBucketNotificationConfiguration',
  'GET bucket versions': 'ListObjectVersions',
};

const VERBS: Readonly<Record<string, string>> = { GET: 'Get', HEAD: 'Head', PUT: 'Put', DELETE: 'Delete' };

const pascalCase = (words: string): string =>
  words.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase());

/** Returns the API's name of the requested operation, whether or not it is implemented here. */
export function operationName(request: S3Request): string {
  const level = request.bucket === '' ? 'service' : request.key === '' ? 'bucket' : 'object';
  if (level === 'service') return request.method === 'GET' ? 'ListBuckets' : `${request.method} /`;
  const subresource = SUBRESOURCES.find((name) => request.query.has(name));
  if (subresource !== undefined) {
    const named = NAMED_SUBRESOURCES[`${request.method} ${level} ${subresource}`];
    return named ?? `${verb(request)}${pascalCase(level)}${pascalCase(subresource)}`;
  }
  return level === 'bucket' ? bucketOperation(request) : objectOperation(request);
}

const verb = (request: S3Request): string =>
  VERBS[request.method] ?? pascalCase(request.method.toLowerCase());

function bucketOperation({ method, query }: S3Request): string {
  switch (method) {
    case 'GET':
      if (query.has('uploads')) return 'ListMultipartUploads';
      return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
    case 'HEAD':
      return 'HeadBucket';
    case 'PUT':
      return 'CreateBucket';
    case 'DELETE':
      return 'DeleteBucket';
    case 'POST':
      return query.has('delete') ? 'DeleteObjects' : 'PostObject';
    default:
      return `${method} of a bucket`;
  }
}

function objectOperation({ method, query, headers }: S3Request): string {
  const copies = headers.has('x-amz-copy-source');
  const inUpload = query.has('uploadId');
  switch (method) {
    case 'GET':
      return inUpload ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      if (inUpload) return copies ? 'UploadPartCopy' : 'UploadPart';
      return copies ? 'CopyObject' : 'PutObject';
    case 'DELETE':
      return inUpload ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'POST':
      if (query.has('uploads')) return 'CreateMultipartUpload';
      return inUpload ? 'CompleteMultipartUpload' : 'PostObject';
    default:
      return `${method} of an object`;
  }
}
