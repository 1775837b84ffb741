import { Duration, type RemovalPolicy, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  CfnBucket,
  type IBucket,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { BatchdropProps } from '../batchdrop-props.ts';

const ACCESS_LOGS_KEPT = Duration.days(90);
const UNFINISHED_UPLOADS_KEPT = Duration.days(7); // far longer than a job runs; an upload of DELIVER may be resumed
const OLD_VERSIONS_KEPT = Duration.days(30); // a job reads its version to the end: 24 h of the API and what delays it

interface BucketsProps {
  requestBucket: IBucket | undefined;
  resultsBucket: IBucket | undefined;
  removalPolicy: RemovalPolicy;
  expireFilesAfter: Duration | undefined;
  encryptionKey: IKey | undefined;
}

type OwnBuckets = Pick<BatchdropProps, 'requestBucket' | 'requestPrefix' | 'resultsBucket'>;

/** The request bucket and the results bucket: the user's own, or made here. */
export class Buckets extends Construct {
  readonly requests: IBucket;
  readonly results: IBucket;

  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id);
    this.requests = props.requestBucket ?? this.#requestBucket(props);
    this.results = props.resultsBucket ?? this.#house('Results', props);
  }

  #requestBucket(props: BucketsProps): IBucket {
    const bucket = this.#house('Requests', props, {
      versioned: true, // a job is one version of a file
      lifecycleRules: [{ noncurrentVersionExpiration: OLD_VERSIONS_KEPT }],
    });
    // On the L1, where CloudFormation has the setting: the L2's `eventBridgeEnabled` deploys a custom-resource function.
    const { defaultChild } = bucket.node;
    if (!(defaultChild instanceof CfnBucket)) throw new Error('the request bucket has no CfnBucket');
    defaultChild.notificationConfiguration = {
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
    return bucket;
  }

  #house(id: string, props: BucketsProps, more: BucketProps = {}): IBucket {
    const bucket = new Bucket(this, id, {
      ...more,
      ...sealed(props.removalPolicy, props.encryptionKey),
      serverAccessLogsBucket: this.#accessLogs(props.removalPolicy),
      serverAccessLogsPrefix: `${id.toLowerCase()}/`,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: UNFINISHED_UPLOADS_KEPT },
        ...(props.expireFilesAfter === undefined ? [] : [{ expiration: props.expireFilesAfter }]),
        ...(more.lifecycleRules ?? []),
      ],
    });
    return asInterface(bucket);
  }

  #accessLogs(removalPolicy: RemovalPolicy): IBucket {
    const made = this.node.tryFindChild('AccessLogs');
    if (made instanceof Bucket) return asInterface(made);
    const bucket = new Bucket(this, 'AccessLogs', {
      ...sealed(removalPolicy, undefined), // S3 writes access logs under no key but its own
      lifecycleRules: [{ expiration: ACCESS_LOGS_KEPT }],
    });
    return asInterface(bucket);
  }
}

/** The CDK's own class misses its interface, but only in the eyes of exactOptionalPropertyTypes. */
function asInterface(bucket: Bucket): IBucket {
  return bucket as IBucket;
}

/** What every bucket of ours has; names are generated, as a kept bucket with a name of its own blocks the next stack. */
function sealed(removalPolicy: RemovalPolicy, encryptionKey: IKey | undefined): BucketProps {
  return {
    ...(encryptionKey
      ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true } // one call of KMS for many objects
      : { encryption: BucketEncryption.S3_MANAGED }),
    enforceSSL: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    removalPolicy,
  };
}

/** What is wrong with buckets of your own, as far as synth can see: INTAKE compares names that are tokens. A sentence each. */
export function* bucketProblems(scope: Construct, props: OwnBuckets): Generator<string> {
  const { requestBucket, requestPrefix, resultsBucket } = props;
  if (requestPrefix !== undefined && requestBucket === undefined) {
    yield 'requestPrefix is set without requestBucket; set both or neither. In a bucket that Batchdrop creates every key is a request file.';
  }
  if (requestBucket !== undefined) yield* foreignProblems(scope, 'requestBucket', requestBucket);
  if (resultsBucket !== undefined) yield* foreignProblems(scope, 'resultsBucket', resultsBucket);
  if (requestBucket && resultsBucket && haveSameName(scope, requestBucket, resultsBucket)) {
    yield 'requestBucket and resultsBucket are the same bucket; set two, or each result would be processed as a request file.';
  }
}

/** S3 sends a bucket's events to the default bus of the bucket's own account and region only. */
function* foreignProblems(scope: Construct, prop: string, bucket: IBucket): Generator<string> {
  const stack = Stack.of(scope);
  for (const what of ['account', 'region'] as const) {
    const [theirs, ours] = [bucket.env[what], stack[what]];
    if (Token.compareStrings(theirs, ours) !== TokenComparison.DIFFERENT) continue;
    yield `${prop} ${bucket.bucketName} is in ${what} ${theirs}, but the stack is in ${ours}; use a bucket in the ${what} of the stack.`;
  }
}

function haveSameName(scope: Construct, one: IBucket, other: IBucket): boolean {
  const stack = Stack.of(scope);
  return JSON.stringify(stack.resolve(one.bucketName)) === JSON.stringify(stack.resolve(other.bucketName));
}
