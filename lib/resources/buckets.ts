import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
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
import { ENDED_TAG } from '../../functions/shared/contract/ended-tag.ts';
import type { BatchdropProps } from '../batchdrop-props.ts';
import { SAME_BUCKET } from '../guards/bucket-identity.ts';
import { requestPrefixProblems, resultsPrefixProblems } from '../guards/key-prefix.ts';
import type { Given } from '../guards/prop-shapes.ts';

const ACCESS_LOGS_KEPT = Duration.days(90);
const UNFINISHED_UPLOADS_KEPT = Duration.days(7); // DELIVER may resume an upload as long as its job runs
const OLD_VERSIONS_KEPT = Duration.days(30);
const OF_ENDED_JOBS = { [ENDED_TAG.key]: ENDED_TAG.value };

interface BucketsProps {
  requestBucket: IBucket | undefined;
  requestPrefix: string | undefined;
  resultsBucket: IBucket | undefined;
  resultsPrefix: string | undefined;
  removalPolicy: RemovalPolicy;
  expireFilesAfter: Duration | undefined;
  encryptionKey: IKey | undefined;
}

type OwnBuckets = Pick<BatchdropProps, 'requestBucket' | 'requestPrefix' | 'resultsBucket' | 'resultsPrefix'>;

/** The request bucket and the results bucket: the user's own, or created here. */
export class Buckets extends Construct {
  readonly requests: IBucket;
  readonly requestPrefix: string | undefined;
  readonly results: IBucket;
  readonly resultsPrefix: string | undefined;

  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id);
    this.requestPrefix = props.requestPrefix;
    this.resultsPrefix = props.resultsPrefix;
    this.requests = props.requestBucket ?? this.#requestBucket(props);
    this.results = props.resultsBucket ?? this.#bucket('Results', props);
  }

  #requestBucket(props: BucketsProps): IBucket {
    const bucket = this.#bucket('Requests', props, {
      versioned: true, // a job is one version of a file
      lifecycleRules: [
        { noncurrentVersionExpiration: OLD_VERSIONS_KEPT, tagFilters: OF_ENDED_JOBS },
        { expiredObjectDeleteMarker: true }, // a delete marker has no tags
      ],
    });
    // Set on the L1 construct, because the L2's `eventBridgeEnabled` deploys a function for a custom resource.
    const { defaultChild } = bucket.node;
    if (!(defaultChild instanceof CfnBucket))
      throw new Error(`${bucket.node.path}: the bucket has no CfnBucket`);
    defaultChild.notificationConfiguration = {
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
    return bucket;
  }

  #bucket(id: string, props: BucketsProps, more: BucketProps = {}): IBucket {
    const bucket = new Bucket(this, id, {
      ...more,
      ...protectedBy(props.removalPolicy, props.encryptionKey),
      serverAccessLogsBucket: this.#accessLogs(props.removalPolicy),
      serverAccessLogsPrefix: `${id.toLowerCase()}/`,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: UNFINISHED_UPLOADS_KEPT },
        ...(props.expireFilesAfter === undefined
          ? []
          : [{ expiration: props.expireFilesAfter, tagFilters: OF_ENDED_JOBS }]),
        ...(more.lifecycleRules ?? []),
      ],
    });
    return asInterface(bucket);
  }

  #accessLogs(removalPolicy: RemovalPolicy): IBucket {
    const made = this.node.tryFindChild('AccessLogs');
    if (made instanceof Bucket) return asInterface(made);
    const bucket = new Bucket(this, 'AccessLogs', {
      ...protectedBy(removalPolicy, undefined), // S3 can encrypt access logs with its own key only
      lifecycleRules: [{ expiration: ACCESS_LOGS_KEPT }],
    });
    return asInterface(bucket);
  }
}

/** Under exactOptionalPropertyTypes, the CDK's class does not match its own interface. */
function asInterface(bucket: Bucket): IBucket {
  return bucket as IBucket;
}

/**
 * The settings of every bucket. Names are generated, because a retained bucket with a fixed name would block the next
 * stack.
 */
function protectedBy(removalPolicy: RemovalPolicy, encryptionKey: IKey | undefined): BucketProps {
  return {
    ...(encryptionKey
      ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true } // one KMS call serves many objects
      : { encryption: BucketEncryption.S3_MANAGED }),
    enforceSSL: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    removalPolicy,
  };
}

/**
 * Yields what is wrong with buckets of your own, one sentence each, as far as synth can know. INTAKE compares names
 * that are tokens.
 */
export function* bucketProblems(scope: Construct, props: OwnBuckets, given: Given): Generator<string> {
  const { requestBucket, requestPrefix, resultsBucket, resultsPrefix } = props;
  if (requestPrefix !== undefined && given.requestBucket === undefined) {
    yield 'requestPrefix is set without requestBucket; set both or neither. In a bucket that Batchdrop creates every key is a request file.';
  }
  if (requestPrefix !== undefined) yield* requestPrefixProblems(requestPrefix);
  if (resultsPrefix !== undefined) yield* resultsPrefixProblems(resultsPrefix);
  if (requestBucket && resultsBucket && haveSameName(scope, requestBucket, resultsBucket)) {
    yield SAME_BUCKET;
  }
}

/** Returns the environment variables of a function that names or uses the results bucket. */
export function resultsEnvironment({
  resultsBucket,
  resultsPrefix,
}: {
  resultsBucket: IBucket;
  resultsPrefix: string | undefined;
}): { RESULTS_BUCKET: string; RESULTS_PREFIX?: string } {
  return {
    RESULTS_BUCKET: resultsBucket.bucketName,
    ...(resultsPrefix === undefined ? {} : { RESULTS_PREFIX: resultsPrefix }),
  };
}

function haveSameName(scope: Construct, one: IBucket, other: IBucket): boolean {
  const stack = Stack.of(scope);
  return JSON.stringify(stack.resolve(one.bucketName)) === JSON.stringify(stack.resolve(other.bucketName));
}
