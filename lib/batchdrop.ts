import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { JobStatus, ReportedBatchStatus } from '../functions/shared/contract/batch-status.ts';
import { Alarms } from './alarms.ts';
import { batchLimitsOf } from './batch-limits.ts';
import { grantPutFiles, grantReadFiles } from './bucket-access.ts';
import { Buckets } from './buckets.ts';
import { Cancellation } from './cancellation.ts';
import { Delivery } from './delivery.ts';
import { Intake } from './intake.ts';
import { LedgerTable } from './ledger-table.ts';
import { OpenAiAccount } from './openai-account.ts';
import { Polling } from './polling.ts';
import { batchStatusRule, jobStatusRule, StatusEvents, type Subscription } from './status-events.ts';
import { Submission } from './submission.ts';

/** The secret that holds the API key unless another is named. */
export const DEFAULT_API_KEY_SECRET = 'batchdrop/openai';

const MOST_ATTEMPTS = 10; // each may take a day, and what fails ten times is not a passing fault

/** What may be chosen. Every default is fit for production. */
export interface BatchdropProps {
  /**
   * Where request files are dropped: versioned, in the stack's account and region, its EventBridge notifications
   * turned on by its owner. Default: a bucket is made.
   */
  requestBucket?: IBucket | undefined;
  /** In a bucket of your own: only keys that begin so are looked at. Default: every key. */
  requestPrefix?: string | undefined;
  /** Where results go, another bucket than the request bucket. Default: a bucket is made. */
  resultsBucket?: IBucket | undefined;
  /**
   * Name of the Secrets Manager secret with the API key: the key itself, or JSON `{apiKey, organization, project}`.
   * It has to be put there by you. Default: `batchdrop/openai`.
   */
  apiKeySecretName?: string | undefined;
  /** Address of the API, https only. Default: `https://api.openai.com/v1`. */
  baseUrl?: string | undefined;
  /** What batches are created with; OpenAI takes `24h` only, other vendors more. Default: `24h`. */
  completionWindow?: string | undefined;
  /** How often open batches are looked at, in whole minutes. Default: one minute. */
  pollInterval?: Duration | undefined;
  /** Of the buckets and the ledger. DESTROY needs the buckets emptied first. Default: kept, unless their very creation is rolled back. */
  removalPolicy?: RemovalPolicy | undefined;
  /** Leaves uploaded and produced files at the API. Default: they are deleted there once delivered. */
  keepOpenAiFiles?: boolean | undefined;
  /**
   * Batches a row may be in at the most, 1 to 10: rows that expired, or failed for a passing reason (408, 409, 429, 5xx, no
   * answer), run again in a batch of their own; those that succeeded never do. 1 runs nothing again. Default: 3.
   */
  maxAttempts?: number | undefined;
  /**
   * Runs rows again of which the API left no line in either file. It may have run and billed them all the same.
   * Default: no, they are reported as missing.
   */
  rerunMissing?: boolean | undefined;
  /**
   * Input tokens that may be enqueued at once, by model: parts are held back so that no more are, by an estimate that the
   * usage of finished batches corrects. For models with a limit at OpenAI that other programs leave to you. What is not
   * named is sent at once, and again when the API says that it was too much.
   */
  enqueuedTokens?: Readonly<Record<string, number>> | undefined;
  /** Open batches at the most, 1 to 1,500: what is more waits, oldest file first. Default: as many as come. */
  maxOpenBatches?: number | undefined;
  /**
   * Removes files from the buckets made here so long after they were written, at least 4 days and one for each of
   * `maxAttempts`. Default: never.
   */
  expireFilesAfter?: Duration | undefined;
  /** Where status changes are published. Default: a bus is made. */
  bus?: IEventBus | undefined;
}

/**
 * Runs request files that are dropped into a bucket through the OpenAI Batch API, publishes every status change and
 * puts the results into another bucket.
 */
export class Batchdrop extends Construct {
  readonly requestBucket: IBucket;
  readonly resultsBucket: IBucket;
  readonly bus: IEventBus;
  readonly cancelQueue: IQueue;
  readonly ledger: Table;
  /** Add actions to them, a topic for instance: none has any. */
  readonly alarms: readonly Alarm[];
  readonly #requestPrefix: string | undefined;

  constructor(scope: Construct, id: string, props: BatchdropProps = {}) {
    super(scope, id);
    if (props.requestPrefix !== undefined && props.requestBucket === undefined) {
      throw new Error(
        'requestPrefix needs a requestBucket of yours: in the bucket made here every file is looked at, so that none is overlooked in silence.',
      );
    }
    const { requestPrefix, maxAttempts = 3 } = props;
    if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > MOST_ATTEMPTS) {
      throw new Error(
        `maxAttempts has to be a whole number from 1 to ${MOST_ATTEMPTS}; it is ${maxAttempts}`,
      );
    }
    const batchLimits = batchLimitsOf(props);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const buckets = new Buckets(this, 'Buckets', {
      requestBucket: props.requestBucket,
      resultsBucket: props.resultsBucket,
      removalPolicy,
      expireFilesAfter: props.expireFilesAfter,
      maxAttempts,
    });
    const { requests: requestBucket, results: resultsBucket } = buckets;
    const { bus } = new StatusEvents(this, 'StatusEvents', props.bus);
    const ledger = new LedgerTable(this, 'Ledger', { removalPolicy });
    const openAi = new OpenAiAccount(this, 'OpenAi', {
      apiKeySecretName: props.apiKeySecretName ?? DEFAULT_API_KEY_SECRET,
      baseUrl: props.baseUrl ?? 'https://api.openai.com/v1',
    });

    // Backwards along the way of the data, so that each room knows the queue of the next.
    const shared = { requestBucket, requestPrefix, resultsBucket, ledger, bus, openAi, batchLimits };
    const delivery = new Delivery(this, 'Delivery', {
      ...shared,
      keepOpenAiFiles: props.keepOpenAiFiles ?? false,
      maxAttempts,
      rerunMissing: props.rerunMissing ?? false,
    });
    const submission = new Submission(this, 'Submission', {
      ...shared,
      completionWindow: props.completionWindow ?? '24h',
    });
    const intake = new Intake(this, 'Intake', { ...shared, submission: submission.work });
    const cancellation = new Cancellation(this, 'Cancellation', shared);
    const pollInterval = props.pollInterval ?? Duration.minutes(1);
    const polling = new Polling(this, 'Polling', {
      ...shared,
      interval: pollInterval,
      intake: intake.work,
      submission: submission.work,
      delivery: delivery.work,
    });
    const alarms = new Alarms(this, 'Alarms', {
      intake,
      submission,
      delivery,
      cancellation,
      polling,
      pollInterval,
    });

    this.requestBucket = requestBucket;
    this.#requestPrefix = requestPrefix;
    this.resultsBucket = resultsBucket;
    this.bus = bus;
    this.cancelQueue = cancellation.work.queue;
    this.ledger = ledger.table;
    this.alarms = alarms.all;
  }

  /** To drop request files. */
  grantSubmit(grantee: IGrantable): Grant {
    return grantPutFiles(grantee, this.requestBucket, this.#requestPrefix);
  }

  /** To send cancel requests. */
  grantCancel(grantee: IGrantable): Grant {
    return this.cancelQueue.grantSendMessages(grantee);
  }

  /** To list and read results. */
  grantReadResults(grantee: IGrantable): Grant {
    return grantReadFiles(grantee, this.resultsBucket);
  }

  /** Sends status changes of batches to a target; `status` names which, every one if left out. */
  onStatusChange(id: string, subscription: Subscription<ReportedBatchStatus>): Rule {
    return batchStatusRule(this, id, this.bus, subscription);
  }

  /** Sends status changes of jobs, of whole request files, to a target; `status` names which, every one if left out. */
  onJobStatusChange(id: string, subscription: Subscription<JobStatus>): Rule {
    return jobStatusRule(this, id, this.bus, subscription);
  }
}
