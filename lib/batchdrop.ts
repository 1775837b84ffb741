import type { CfnOutput } from 'aws-cdk-lib';
import type { Alarm, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/shared/contract/metrics.ts';
import type { BatchdropProps } from './batchdrop-props.ts';
import { type CheckedProps, checkedProps } from './checked-props.ts';
import { Alarms } from './monitoring/alarms.ts';
import { batchdropMetric } from './monitoring/batchdrop-metric.ts';
import { BatchdropDashboard } from './monitoring/dashboard.ts';
import { grantPutFiles, grantReadFiles } from './resources/bucket-grants.ts';
import { Buckets } from './resources/buckets.ts';
import { instanceName } from './resources/instance-name.ts';
import { LedgerTable } from './resources/ledger-table.ts';
import { NamedOutputs } from './resources/named-outputs.ts';
import { OpenAiAccount } from './resources/openai-account.ts';
import { StatusEvents } from './resources/status-events.ts';
import {
  type BatchStatusSubscription,
  batchStatusRule,
  type JobStatusSubscription,
  jobStatusRule,
  type Subscriber,
} from './resources/subscriptions.ts';
import { batchLimitsOf } from './stages/batch-limits.ts';
import { Cancellation } from './stages/cancellation.ts';
import { windowLength } from './stages/completion-window.ts';
import { Delivery } from './stages/delivery.ts';
import { Intake } from './stages/intake.ts';
import { Polling } from './stages/polling.ts';
import type { StageWorkers } from './stages/stage-workers.ts';
import { Submission } from './stages/submission.ts';

/**
 * Runs request files that are dropped into a bucket through the OpenAI Batch API, publishes every status change and
 * puts the results into another bucket.
 */
export class Batchdrop extends Construct {
  readonly requestBucket: IBucket;
  readonly resultsBucket: IBucket;
  readonly eventBus: IEventBus;
  readonly cancelQueue: IQueue;
  readonly ledger: Table;
  /** All alarms, for actions of your own or a composite. */
  readonly alarms: Alarm[];
  /** The outputs of the stack by which the `batchdrop` command finds this construct. */
  readonly outputs: CfnOutput[];
  readonly #instance: string;
  readonly #requestPrefix: string | undefined;

  constructor(scope: Construct, id: string, props: BatchdropProps = {}) {
    super(scope, id);
    const choices = checkedProps(this, props);
    const { removalPolicy, encryptionKey } = choices;
    this.#instance = instanceName(this);
    this.#requestPrefix = choices.requestPrefix;
    const buckets = new Buckets(this, 'Buckets', {
      requestBucket: choices.requestBucket,
      resultsBucket: choices.resultsBucket,
      removalPolicy,
      expireFilesAfter: choices.expireFilesAfter,
      encryptionKey,
    });
    this.requestBucket = buckets.requests;
    this.resultsBucket = buckets.results;
    this.eventBus = new StatusEvents(this, 'StatusEvents', {
      eventBus: choices.eventBus,
      instance: this.#instance,
    }).eventBus;
    const ledger = new LedgerTable(this, 'Ledger', { removalPolicy, encryptionKey });
    this.ledger = ledger.table;
    const openAi = new OpenAiAccount(this, 'OpenAi', {
      apiKeySecret: choices.apiKeySecret,
      baseUrl: choices.baseUrl,
    });
    const stages = this.#furnish(ledger, openAi, choices);
    this.cancelQueue = stages.cancellation.work.queue;
    this.alarms = this.#watch(stages, choices);
    const names = new NamedOutputs(this, 'Names', {
      RequestBucket: this.requestBucket.bucketName,
      ResultsBucket: this.resultsBucket.bucketName,
      CancelQueueUrl: this.cancelQueue.queueUrl,
      EventBus: this.eventBus.eventBusName,
      LedgerTable: this.ledger.tableName,
      ApiKeySecret: openAi.secretId,
      ApiBaseUrl: openAi.baseUrl,
    });
    this.outputs = names.outputs;
  }

  /** Backwards along the way of the data, so that each room knows the queue of the next. */
  #furnish(ledger: LedgerTable, openAi: OpenAiAccount, choices: CheckedProps): StageWorkers {
    const { requestBucket, resultsBucket, eventBus } = this;
    const shared = {
      settings: {
        instance: this.#instance,
        vpc: choices.vpc,
        vpcSubnets: choices.vpcSubnets,
        securityGroups: choices.securityGroups,
        logGroup: choices.logGroup,
      },
      requestBucket,
      requestPrefix: choices.requestPrefix,
      resultsBucket,
      ledger,
      eventBus,
      batchLimits: batchLimitsOf(choices),
      encryptionKey: choices.encryptionKey,
      openAi,
    };
    const delivery = new Delivery(this, 'Delivery', {
      ...shared,
      keepOpenAiFiles: choices.keepOpenAiFiles,
      maxAttempts: choices.maxAttempts,
      rerunMissing: choices.rerunMissing,
    });
    const submission = new Submission(this, 'Submission', {
      ...shared,
      completionWindow: choices.completionWindow,
    });
    const intake = new Intake(this, 'Intake', { ...shared, submission: submission.work });
    const cancellation = new Cancellation(this, 'Cancellation', shared);
    const polling = new Polling(this, 'Polling', {
      ...shared,
      pollInterval: choices.pollInterval,
      intake: intake.work,
      submission: submission.work,
      delivery: delivery.work,
    });
    return { intake, submission, delivery, cancellation, polling };
  }

  #watch(stages: StageWorkers, choices: CheckedProps): Alarm[] {
    const { all: alarms } = new Alarms(this, 'Alarms', {
      instance: this.#instance,
      stages,
      pollInterval: choices.pollInterval,
      completionWindow: windowLength(choices.completionWindow),
      action: choices.alarmAction,
    });
    new BatchdropDashboard(this, 'Dashboard', { instance: this.#instance, stages, alarms });
    return alarms;
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
  onStatusChange(id: string, subscription: BatchStatusSubscription): Rule {
    return batchStatusRule(this, id, this.eventBus, subscription);
  }

  /** Sends status changes of jobs, of whole request files, to a target; `status` names which, every one if left out. */
  onJobStatusChange(id: string, subscription: JobStatusSubscription): Rule {
    return jobStatusRule(this, id, this.eventBus, subscription);
  }

  /** A file is through and its results can be read. It does not mean that every row succeeded: the event has the counts. */
  onCompleted(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['completed'] });
  }

  /** No batch of a file ran, for the reason in the event. A file that expired or was cancelled has not failed. */
  onFailed(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['failed'] });
  }

  /** A file was refused before anything was sent; the event has the first findings, the report all. */
  onRejected(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['rejected'] });
  }

  /** Any of the metrics in docs/operations.md; a sum over five minutes unless told otherwise. */
  metric(name: MetricName, options?: MetricOptions): Metric {
    return batchdropMetric(this.#instance, name, options);
  }

  /** Files whose first batch exists. */
  metricSubmitted(options?: MetricOptions): Metric {
    return this.metric('JobsSubmitted', options);
  }

  /** Files that are through. */
  metricCompleted(options?: MetricOptions): Metric {
    return this.metric('JobsCompleted', options);
  }

  /** Files that were refused before anything was sent. */
  metricRejected(options?: MetricOptions): Metric {
    return this.metric('JobsRejected', options);
  }

  /** Rows the API answered with an error. */
  metricFailedRows(options?: MetricOptions): Metric {
    return this.metric('RowsFailed', options);
  }

  /** Batches that have not ended, as each tick finds them: the most within a period. */
  metricOpenBatches(options?: MetricOptions): Metric {
    return this.metric('OpenBatches', { statistic: 'Maximum', ...options });
  }

  /** Seconds since the oldest open batch was created: the most within a period. */
  metricOldestOpenAge(options?: MetricOptions): Metric {
    return this.metric('OldestOpenAge', { statistic: 'Maximum', ...options });
  }

  /** Seconds from a batch's end at the API to its event: nine in ten are faster. */
  metricDetectionLatency(options?: MetricOptions): Metric {
    return this.metric('DetectionLatency', { statistic: 'p90', ...options });
  }

  /** Input tokens as the API bills them, of batches that ended. */
  metricInputTokens(options?: MetricOptions): Metric {
    return this.metric('InputTokens', options);
  }

  /** Output tokens as the API bills them, of batches that ended. */
  metricOutputTokens(options?: MetricOptions): Metric {
    return this.metric('OutputTokens', options);
  }
}
