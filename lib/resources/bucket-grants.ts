import { Stack, Validations } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { KEY_PATTERNS } from '../../functions/shared/contract/result-keys.ts';
import type { WorkerFunction } from '../stages/worker-function.ts';
import { nagResource } from './nag-findings.ts';

// Explicit actions: the grants of the CDK's bucket include `s3:GetObject*`, `s3:List*`, `s3:Abort*` and more.
const READ_VERSIONS = ['s3:GetObjectVersion']; // a job is one version of a file, not its newest
const READ = ['s3:GetObject'];
const WRITE = ['s3:PutObject'];
const WRITE_IN_PARTS = [...WRITE, 's3:AbortMultipartUpload'];
const WITH_TAG = ['s3:PutObjectTagging'];
const TAG_VERSIONS = ['s3:GetObjectVersionTagging', 's3:PutObjectVersionTagging']; // a write replaces all tags: others' are read first
const READ_KEY = ['kms:Decrypt'];
const WRITE_KEY = ['kms:GenerateDataKey', 'kms:Decrypt']; // a multipart upload decrypts its own data key

/** Grants uploading files under a prefix. */
export function grantPutFiles(grantee: IGrantable, bucket: IBucket, prefix = ''): Grant {
  bucket.encryptionKey?.grant(grantee, ...WRITE_KEY);
  return onObjects(grantee, bucket, WRITE_IN_PARTS, `${prefix}*`);
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

/** Grants tagging request files, by version; not reading them. */
export function grantTagRequests(tagger: WorkerFunction, bucket: IBucket, prefix = ''): void {
  const keys = `${prefix}*`;
  onObjects(tagger, bucket, TAG_VERSIONS, keys);
  onBucket(tagger, bucket);
  acknowledgeKeys(tagger, bucket, keys);
}

/** Grants storing row tables and checkpoints, and writing the report on a rejected file; no results. */
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

/** Grants writing results and reading them, and writing, reading and deleting the pieces that they are made of. */
export function grantWriteResults(keeper: WorkerFunction, bucket: IBucket, prefix = ''): void {
  const { resultLines, summary, internal } = patternsUnder(prefix);
  bucket.encryptionKey?.grant(keeper, ...WRITE_KEY);
  onObjects(keeper, bucket, [...WRITE_IN_PARTS, ...WITH_TAG, ...READ], ...resultLines);
  onObjects(keeper, bucket, [...WRITE, ...WITH_TAG], summary);
  // Its pieces are named as the result lines, so that right to write in parts is theirs, too.
  onObjects(keeper, bucket, [...WRITE, ...READ, 's3:DeleteObject'], internal);
  onBucket(keeper, bucket);
  for (const keys of [...resultLines, summary, internal]) acknowledgeKeys(keeper, bucket, keys);
}

/** The patterns of our keys under a prefix: no function gets a right on what else is in the bucket. */
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

/** Without it S3 answers 403 for a missing object, which looks like a wrong policy. */
function onBucket(grantee: IGrantable, bucket: IBucket): Grant {
  return Grant.addToPrincipal({ grantee, actions: ['s3:ListBucket'], resourceArns: [bucket.bucketArn] });
}

function acknowledgeKeys(worker: WorkerFunction, bucket: IBucket, keys: string): void {
  const objects = Stack.of(worker).resolve(bucket.arnForObjects(keys));
  Validations.of(worker.role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${nagResource(objects)}]`,
    reason:
      'Users choose the keys of their files. The actions are exact, and the bucket is the configured one.',
  });
}
