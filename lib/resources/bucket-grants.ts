import { Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { KEY_PATTERNS } from '../../functions/shared/contract/result-keys.ts';
import type { WorkerFunction } from '../stages/worker-function.ts';
import { acknowledgeFinding, nagResource } from './nag-findings.ts';

// The actions are explicit, because the CDK's bucket grants include `s3:GetObject*`, `s3:List*`, `s3:Abort*` and more.
const READ_VERSIONS = ['s3:GetObjectVersion']; // a job is one version of a file, which may not be the newest
const READ = ['s3:GetObject'];
const WRITE = ['s3:PutObject'];
const WRITE_IN_PARTS = [...WRITE, 's3:AbortMultipartUpload'];
const WITH_TAG = ['s3:PutObjectTagging'];
const TAG_VERSIONS = ['s3:GetObjectVersionTagging', 's3:PutObjectVersionTagging']; // a write replaces all tags, so the other ones are read first
const READ_KEY = ['kms:Decrypt'];
const WRITE_KEY = ['kms:GenerateDataKey', 'kms:Decrypt']; // a multipart upload decrypts its own data key

/** Grants uploading files under a prefix. */
export function grantPutFiles(grantee: IGrantable, bucket: IBucket, prefix = ''): Grant {
  bucket.encryptionKey?.grant(grantee, ...WRITE_KEY);
  return onObjects(grantee, bucket, WRITE_IN_PARTS, `${prefix}*`);
}

/** Grants copying files under a prefix. It does not allow reading them. */
export function grantCopyRequests(starter: WorkerFunction, bucket: IBucket, prefix = ''): void {
  grantPutFiles(starter, bucket, prefix);
  acknowledgeKeys(starter, bucket, `${prefix}*`);
}

/** Grants listing a bucket and reading its objects under a prefix. */
export function grantReadFiles(grantee: IGrantable, bucket: IBucket, prefix = ''): Grant {
  bucket.encryptionKey?.grant(grantee, ...READ_KEY);
  return onObjects(grantee, bucket, READ, `${prefix}*`).combine(onBucket(grantee, bucket));
}

/** Grants reading request files by version. */
export function grantReadRequests(reader: WorkerFunction, bucket: IBucket, prefix = ''): void {
  bucket.encryptionKey?.grant(reader, ...READ_KEY);
  const keys = `${prefix}*`;
  onObjects(reader, bucket, READ_VERSIONS, keys);
  onBucket(reader, bucket);
  acknowledgeKeys(reader, bucket, keys);
}

/** Grants tagging versions of request files. It does not allow reading their content. */
export function grantTagRequests(tagger: WorkerFunction, bucket: IBucket, prefix = ''): void {
  const keys = `${prefix}*`;
  onObjects(tagger, bucket, TAG_VERSIONS, keys);
  onBucket(tagger, bucket);
  acknowledgeKeys(tagger, bucket, keys);
}

/**
 * Grants storing row tables and checkpoints, and writing the report on a rejected file. It does not allow writing
 * results.
 */
export function grantWriteFindings(keeper: WorkerFunction, bucket: IBucket, prefix = ''): void {
  const { report, internal } = patternsUnder(prefix);
  bucket.encryptionKey?.grant(keeper, ...WRITE_KEY);
  onObjects(keeper, bucket, [...WRITE, ...WITH_TAG], report);
  onObjects(keeper, bucket, [...WRITE_IN_PARTS, ...READ], internal);
  onBucket(keeper, bucket);
  for (const keys of [report, internal]) acknowledgeKeys(keeper, bucket, keys);
}

/** Grants reading the row tables of running jobs. */
export function grantReadRowTables(reader: WorkerFunction, bucket: IBucket, prefix = ''): void {
  const { internal } = patternsUnder(prefix);
  bucket.encryptionKey?.grant(reader, ...READ_KEY);
  onObjects(reader, bucket, READ, internal);
  acknowledgeKeys(reader, bucket, internal);
}

/** Grants writing and reading results, and writing, reading and deleting the pieces that results consist of. */
export function grantWriteResults(keeper: WorkerFunction, bucket: IBucket, prefix = ''): void {
  const { resultLines, summary, internal } = patternsUnder(prefix);
  bucket.encryptionKey?.grant(keeper, ...WRITE_KEY);
  onObjects(keeper, bucket, [...WRITE_IN_PARTS, ...WITH_TAG, ...READ], ...resultLines);
  onObjects(keeper, bucket, [...WRITE, ...WITH_TAG], summary);
  // Pieces have the same names as the result lines, so the grant of multipart writes covers them too.
  onObjects(keeper, bucket, [...WRITE, ...READ, 's3:DeleteObject'], internal);
  onBucket(keeper, bucket);
  for (const keys of [...resultLines, summary, internal]) acknowledgeKeys(keeper, bucket, keys);
}

/**
 * Returns the patterns of Batchdrop's keys under a prefix. The functions get no permissions for other objects in the
 * bucket.
 */
function patternsUnder(prefix: string) {
  const { resultLines, summary, report, internal } = KEY_PATTERNS;
  return {
    resultLines: resultLines.map((pattern) => prefix + pattern),
    summary: prefix + summary,
    report: prefix + report,
    internal: prefix + internal,
  };
}

function onObjects(grantee: IGrantable, bucket: IBucket, actions: string[], ...keys: string[]): Grant {
  return Grant.addToPrincipal({
    grantee,
    actions,
    resourceArns: keys.map((each) => bucket.arnForObjects(each)),
  });
}

/** Grants listing. Without it, S3 returns 403 for a missing object, which looks like a wrong policy. */
function onBucket(grantee: IGrantable, bucket: IBucket): Grant {
  return Grant.addToPrincipal({ grantee, actions: ['s3:ListBucket'], resourceArns: [bucket.bucketArn] });
}

function acknowledgeKeys(worker: WorkerFunction, bucket: IBucket, keys: string): void {
  const objects = Stack.of(worker).resolve(bucket.arnForObjects(keys));
  acknowledgeFinding(
    worker.role,
    `AwsSolutions-IAM5[Resource::${nagResource(objects)}]`,
    'Users choose the keys of their files. The actions are exact, and the bucket is the configured one.',
  );
}
