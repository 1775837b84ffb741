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

const ACCESS_LOGS_KEPT = Duration.days(90);
const UNFINISHED_UPLOADS_KEPT = Duration.days(7); // far longer than a job runs; an upload of DELIVER may be resumed
const OLD_VERSIONS_KEPT = Duration.days(30); // a job reads its version to the end: 24 h of the API and what delays it
const SPARE_DAYS = 4; // beside a day for each attempt: an outage over a weekend

interface BucketsProps {
  requestBucket: IBucket | undefined;
  resultsBucket: IBucket | undefined;
  removalPolicy: RemovalPolicy;
  expireFilesAfter: Duration | undefined;
  /** Each may take a day, all that time files are needed. */
  maxAttempts: number;
  encryptionKey: IKey | undefined;
}

/** The request bucket and the results bucket: the user's own, or made here. */
export class Buckets extends Construct {
  readonly requests: IBucket;
  readonly results: IBucket;

  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id);
    const shortest = props.maxAttempts + SPARE_DAYS;
    if (props.expireFilesAfter !== undefined && props.expireFilesAfter.toDays() < shortest) {
      throw new Error(
        `expireFilesAfter is less than ${shortest} days: with ${props.maxAttempts} attempts a file could go while its job runs`,
      );
    }
    for (const bucket of [props.requestBucket, props.resultsBucket]) {
      if (bucket !== undefined) refuseForeign(this, bucket);
    }
    this.requests = props.requestBucket ?? this.#requestBucket(props);
    this.results = props.resultsBucket ?? this.#house('Results', props);
    if (sameName(this, this.requests, this.results)) {
      throw new Error(
        'requestBucket and resultsBucket are the same bucket: results would be taken for new request files. Give two buckets.',
      );
    }
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

/** A bucket's events come to the default bus of its own account and region, nowhere else. */
function refuseForeign(scope: Construct, bucket: IBucket): void {
  const { account, region } = Stack.of(scope);
  for (const [what, theirs, ours] of [
    ['account', bucket.env.account, account],
    ['region', bucket.env.region, region],
  ] as const) {
    if (Token.compareStrings(theirs, ours) === TokenComparison.DIFFERENT) {
      throw new Error(
        `bucket ${bucket.bucketName} is in ${what} ${theirs}, the stack is in ${ours}: they must be the same`,
      );
    }
  }
}

/** Compares as far as synthesis can see; what a token hides is compared by INTAKE. */
function sameName(scope: Construct, one: IBucket, other: IBucket): boolean {
  const stack = Stack.of(scope);
  return JSON.stringify(stack.resolve(one.bucketName)) === JSON.stringify(stack.resolve(other.bucketName));
}
