import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { DEFAULT_BASE_URL } from './resources/openai-account.ts';
import type { Network } from './stages/worker-function.ts';

const USUAL_ATTEMPTS = 3;
const MAX_ATTEMPTS = 10; // each may take a day, and what fails ten times is not a passing fault

/** What may be chosen. Every default is fit for production. */
export interface BatchdropProps {
  /**
   * Where request files are dropped. One of your own has to be versioned, in the stack's account and region, with its
   * EventBridge notifications turned on by you: it is left as it is.
   * @default - a bucket is made, versioned, encrypted, closed to the public, with access logs
   */
  requestBucket?: IBucket | undefined;
  /**
   * In a bucket of your own: only keys that begin so are looked at, and only they may be read. What lies elsewhere in it
   * is never touched, nor reported.
   * @default - every key
   */
  requestPrefix?: string | undefined;
  /**
   * Where results go; another bucket than the request bucket, else synthesis fails, as results would be taken for requests.
   * @default - a bucket is made, as for requests, but without versions
   */
  resultsBucket?: IBucket | undefined;
  /**
   * The secret with the API key: the key itself, or JSON `{apiKey, organization, project}`. You put it there; its value
   * never comes into the template or an environment. While it is missing, files are accepted and wait.
   * @default - the one named `batchdrop/openai`
   */
  apiKeySecret?: ISecret | undefined;
  /**
   * Address of an API that speaks OpenAI's Batch protocol, https only: the key goes there, and so do the rows.
   * @default 'https://api.openai.com/v1'
   */
  baseUrl?: string | undefined;
  /**
   * What batches are created with, in hours or days; OpenAI takes `24h` only, other vendors more. A batch that is still
   * open two hours after it alarms.
   * @default '24h'
   */
  completionWindow?: string | undefined;
  /**
   * How often open batches are looked at, in whole minutes, an hour at most: how late an event may come. A tick costs
   * about as much as one invocation of a small function.
   * @default Duration.minutes(1)
   */
  pollInterval?: Duration | undefined;
  /**
   * Of the buckets and the ledger, which hold what cannot be made again. DESTROY takes the ledger's protection away, and
   * needs the buckets emptied first.
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  removalPolicy?: RemovalPolicy | undefined;
  /**
   * Leaves uploaded and produced files at the API, where they stay for its 30 days and count against its storage.
   * @default false - they are deleted there once delivered
   */
  keepOpenAiFiles?: boolean | undefined;
  /**
   * Batches a row may be in at the most, 1 to 10: rows that expired, or failed for a passing reason (408, 409, 429, 5xx, no
   * answer), run again in a batch of their own; those that succeeded never do. 1 runs nothing again.
   * @default 3
   */
  maxAttempts?: number | undefined;
  /**
   * Runs rows again of which the API left no line in either file. It may have run and billed them all the same.
   * @default false - they are reported as missing
   */
  rerunMissing?: boolean | undefined;
  /**
   * Input tokens that may be enqueued at once, by model: files are planned as batches of at most half of them, and these are
   * held back so that no more are, by an estimate that the usage of finished batches corrects. For models with a limit at
   * OpenAI that other programs leave to you. What is not named is sent at once, and again when the API says that it was too
   * much; a batch of more than the whole limit then never begins.
   * @default - no limit beforehand
   */
  enqueuedTokens?: Readonly<Record<string, number>> | undefined;
  /**
   * Open batches at the most, 1 to 1,500: what is more waits, oldest file first.
   * @default - as many as come
   */
  maxOpenBatches?: number | undefined;
  /**
   * Removes request files and results from the buckets made here so long after they were written, at least 4 days and one
   * for each of `maxAttempts`. A request file is kept for 30 days more as an old version.
   * @default - never: what is stored stays and costs
   */
  expireFilesAfter?: Duration | undefined;
  /**
   * Where status changes are published. On one of your own your other rules see them, and its archive keeps them.
   * @default - a bus is made
   */
  eventBus?: IEventBus | undefined;
  /**
   * A key of your own for the buckets made here, the ledger and the queues. Who drops files, reads results or cancels needs
   * it, too: the grants here give that. An imported key has to let `events.amazonaws.com` use `kms:GenerateDataKey` and
   * `kms:Decrypt` by your own hand, else no file is ever taken in. Events, logs and access logs stay under AWS's keys.
   * @default - AWS's keys
   */
  encryptionKey?: IKey | undefined;
  /**
   * Runs the functions in a VPC. Its subnets have to reach the API and AWS's services, by a NAT gateway for instance, which
   * then carries every byte of every file; without a way out all work waits.
   * @default - outside of any VPC
   */
  network?: Network | undefined;
  /**
   * One log group of your own that all functions write to, its retention your choice. The metrics are read from it, so a
   * group of the class "infrequent access" would leave the alarms blind.
   * @default - one a function, kept for 30 days
   */
  logGroup?: ILogGroup | undefined;
  /**
   * Who is told when an alarm goes on, an SNS topic for instance.
   * @default - nobody: the alarms only show in CloudWatch
   */
  alarmAction?: IAlarmAction | undefined;
}

/** What was chosen, and the defaults of what was not. */
export type Choices = ReturnType<typeof withDefaults>;

/** Throws a sentence for what cannot be meant. */
export function withDefaults(props: BatchdropProps) {
  const { requestBucket, requestPrefix, maxAttempts = USUAL_ATTEMPTS } = props;
  if (requestPrefix !== undefined && requestBucket === undefined) {
    throw new Error(
      'requestPrefix needs a requestBucket of yours: in the bucket made here every file is looked at, so that none is overlooked in silence.',
    );
  }
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > MAX_ATTEMPTS) {
    throw new Error(`maxAttempts has to be a whole number from 1 to ${MAX_ATTEMPTS}; it is ${maxAttempts}`);
  }
  return {
    ...props,
    maxAttempts,
    baseUrl: props.baseUrl ?? DEFAULT_BASE_URL,
    completionWindow: props.completionWindow ?? '24h',
    pollInterval: props.pollInterval ?? Duration.minutes(1),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    keepOpenAiFiles: props.keepOpenAiFiles ?? false,
    rerunMissing: props.rerunMissing ?? false,
  };
}
