import { type CfnResource, Reference, Stack, Token, TokenComparison, Tokenization } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { resourceOf, resourcesInApp } from './template-resource.ts';

const BUCKET = 'AWS::S3::Bucket';

export const SAME_BUCKET =
  'requestBucket and resultsBucket are the same bucket; set two, or each result would be processed as a request file.';

/** Returns the resource that makes the bucket, if it is in the app: by the construct, a reference, or the same name. */
export function resourceOfBucket(bucket: IBucket): CfnResource | undefined {
  return (
    resourceOf(BUCKET, bucket.node.defaultChild) ??
    resourceOf(BUCKET, referenced(bucket.bucketName)) ??
    resourceOf(BUCKET, referenced(bucket.bucketArn)) ??
    resourceNamed(bucket)
  );
}

/**
 * Returns whether two constructs are certainly the same bucket, which may be imported more than once. For validation, when
 * all buckets of the app are made.
 */
export function isSameBucket(one: IBucket, other: IBucket): boolean {
  if (one === other) return true;
  const [first, second] = [resourceOfBucket(one), resourceOfBucket(other)];
  if (first || second) return first === second;
  const isElsewhere = (['account', 'region'] as const).some(
    (what) => Token.compareStrings(one.env[what], other.env[what]) === TokenComparison.DIFFERENT,
  );
  return !isElsewhere && nameIn(one) === nameIn(other);
}

/** Returns the name of a bucket, or what a user knows it by. */
export function bucketShown(bucket: IBucket): string {
  const resource = resourceOfBucket(bucket);
  if (resource)
    return (resource.node.id === 'Resource' && resource.node.scope?.node.path) || resource.node.path;
  return Token.isUnresolved(bucket.bucketName) ? bucket.node.path : bucket.bucketName;
}

function referenced(text: string) {
  const token = Token.isUnresolved(text) ? Tokenization.reverse(text, { failConcat: false }) : undefined;
  return Reference.isReference(token) ? token.target : undefined;
}

function resourceNamed(bucket: IBucket): CfnResource | undefined {
  if (Token.isUnresolved(bucket.bucketName)) return undefined;
  return resourcesInApp(BUCKET, bucket).find(
    (resource) => Reflect.get(resource, 'bucketName') === bucket.bucketName,
  );
}

/** A reference means the same only in the same stack, but the name of an export does in every stack. */
function nameIn(bucket: IBucket): string {
  const stack = Stack.of(bucket);
  const name: unknown = stack.resolve(bucket.bucketName);
  if (typeof name === 'string') return name;
  const json = JSON.stringify(name);
  return json.startsWith('{"Fn::ImportValue"') ? json : `${stack.node.path} ${json}`;
}
