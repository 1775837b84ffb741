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
import { checkAtSynth } from './guards/check-at-synth.ts';
import { checkedGrantee, metricName } from './guards/method-arguments.ts';
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
import { Approval } from './stages/approval.ts';
import { batchLimitsOf } from './stages/batch-limits.ts';
import { Cancellation } from './stages/cancellation.ts';
import { windowLength } from './stages/completion-window.ts';
import { Delivery } from './stages/delivery.ts';
import { Intake } from './stages/intake.ts';
import { holdEnvironment } from './stages/job-holds.ts';
import { Polling } from './stages/polling.ts';
import { pricesEnvironment } from './stages/price-settings.ts';
import type { StageWorkers } from './stages/stage-workers.ts';
import { Submission } from './stages/submission.ts';
import { Webhooks } from './stages/webhooks.ts';

/**
 * Runs the request files that are uploaded to a bucket through the OpenAI Batch API, publishes every status change as an
 * event and writes the results to another bucket.
 */
export class Batchdrop extends Construct {
  /** Bucket for request files. */
  readonly requestBucket: IBucket;
  /** Bucket with the results. */
  readonly resultsBucket: IBucket;
  /** Event bus of the status changes. */
  readonly eventBus: IEventBus;
  /**
   * Name of this Batchdrop, unique in the account and region: `metadata.instance` of events, and the dimension
   * `service` of metrics.
   */
  readonly instance: string;
  /** Queue for cancel requests. */
  readonly cancelQueue: IQueue;
  /** Queue for approvals of jobs that are held. */
  readonly approvalQueue: IQueue;
  /** Table with the state of every job and batch. Only Batchdrop may write to it. */
  readonly ledger: Table;
  /** All alarms, for further actions or a composite alarm. */
  readonly alarms: Alarm[];
  /** Stack outputs by which the `batchdrop` command finds this construct. */
  readonly outputs: CfnOutput[];
  readonly #requestPrefix: string | undefined;
  readonly #resultsPrefix: string | undefined;

  constructor(scope: Construct, id: string, props: BatchdropProps = {}) {
    super(scope, id);
    const checked = checkedProps(this, props, { isSubclass: new.target !== Batchdrop });
    const { removalPolicy, encryptionKey } = checked;
    this.instance = instanceName(this);
    this.#requestPrefix = checked.requestPrefix;
    this.#resultsPrefix = checked.resultsPrefix;
    const buckets = new Buckets(this, 'Buckets', {
      requestBucket: checked.requestBucket,
      requestPrefix: checked.requestPrefix,
      resultsBucket: checked.resultsBucket,
      resultsPrefix: checked.resultsPrefix,
      removalPolicy,
      expireFilesAfter: checked.expireFilesAfter,
      encryptionKey,
    });
    this.requestBucket = buckets.requests;
    this.resultsBucket = buckets.results;
    checkAtSynth(this, checked, buckets);
    this.eventBus = new StatusEvents(this, 'StatusEvents', {
      eventBus: checked.eventBus,
      instance: this.instance,
    }).eventBus;
    const ledger = new LedgerTable(this, 'Ledger', { removalPolicy, encryptionKey });
    this.ledger = ledger.table;
    const openAi = new OpenAiAccount(this, 'OpenAi', {
      apiKeySecret: checked.apiKeySecret,
      baseUrl: checked.baseUrl,
    });
    const stages = this.#createStages(ledger, openAi, checked);
    this.cancelQueue = stages.cancellation.work.queue;
    this.approvalQueue = stages.approval.work.queue;
    this.alarms = this.#createMonitoring(stages, checked);
    const names = new NamedOutputs(this, 'Names', {
      RequestBucket: this.requestBucket.bucketName,
      ResultsBucket: this.resultsBucket.bucketName,
      ...(checked.resultsPrefix === undefined ? {} : { ResultsPrefix: checked.resultsPrefix }),
      CancelQueueUrl: this.cancelQueue.queueUrl,
      ApprovalQueueUrl: this.approvalQueue.queueUrl,
      EventBus: this.eventBus.eventBusName,
      Instance: this.instance,
      LedgerTable: this.ledger.tableName,
      ApiKeySecret: openAi.secretId,
      ApiBaseUrl: openAi.baseUrl,
      ...(stages.webhooks && {
        WebhookUrl: stages.webhooks.url,
        WebhookSecret: stages.webhooks.secretId,
      }),
    });
    this.outputs = names.outputs;
  }

  /** Creates the last stage first, because each stage sends to the queue of the next one. */
  #createStages(ledger: LedgerTable, openAi: OpenAiAccount, props: CheckedProps): StageWorkers {
    const { requestBucket, resultsBucket, eventBus } = this;
    const shared = {
      settings: {
        instance: this.instance,
        vpc: props.vpc,
        vpcSubnets: props.vpcSubnets,
        securityGroups: props.securityGroups,
        logGroup: props.logGroup,
      },
      requestBucket,
      requestPrefix: props.requestPrefix,
      resultsBucket,
      resultsPrefix: props.resultsPrefix,
      ledger,
      eventBus,
      batchLimits: batchLimitsOf(props),
      prices: pricesEnvironment(props),
      encryptionKey: props.encryptionKey,
      openAi,
    };
    const delivery = new Delivery(this, 'Delivery', {
      ...shared,
      keepOpenAiFiles: props.keepOpenAiFiles,
      maxAttempts: props.maxAttempts,
      rerunMissing: props.rerunMissing,
      flatResults: props.flatResults,
    });
    const submission = new Submission(this, 'Submission', {
      ...shared,
      completionWindow: props.completionWindow,
      webhooks: props.webhook !== undefined,
    });
    const intake = new Intake(this, 'Intake', {
      ...shared,
      holds: holdEnvironment(props),
      submission: submission.work,
    });
    const cancellation = new Cancellation(this, 'Cancellation', shared);
    const approval = new Approval(this, 'Approval', { ...shared, submission: submission.work });
    const polling = new Polling(this, 'Polling', {
      ...shared,
      pollInterval: props.pollInterval,
      observeInterval: props.observeInterval,
      webhooks: props.webhook !== undefined,
      intake: intake.work,
      submission: submission.work,
      delivery: delivery.work,
    });
    const { webhook } = props;
    const webhooks =
      webhook && new Webhooks(this, 'Webhooks', { ...shared, webhook, delivery: delivery.work });
    return { intake, submission, delivery, cancellation, approval, polling, webhooks };
  }

  #createMonitoring(stages: StageWorkers, props: CheckedProps): Alarm[] {
    const { all: alarms } = new Alarms(this, 'Alarms', {
      instance: this.instance,
      stages,
      pollInterval: props.pollInterval,
      observeInterval: props.observeInterval,
      completionWindow: windowLength(props.completionWindow),
      hasBudget: props.budget !== undefined,
      action: props.alarmAction,
    });
    new BatchdropDashboard(this, 'Dashboard', { instance: this.instance, stages, alarms });
    return alarms;
  }

  /** Grants uploading request files. */
  grantSubmit(grantee: IGrantable): Grant {
    return grantPutFiles(
      checkedGrantee(this, 'grantSubmit', grantee),
      this.requestBucket,
      this.#requestPrefix,
    );
  }

  /** Grants sending cancel requests. */
  grantCancel(grantee: IGrantable): Grant {
    return this.cancelQueue.grantSendMessages(checkedGrantee(this, 'grantCancel', grantee));
  }

  /** Grants approving jobs that are held. */
  grantApprove(grantee: IGrantable): Grant {
    return this.approvalQueue.grantSendMessages(checkedGrantee(this, 'grantApprove', grantee));
  }

  /** Grants listing and reading results. */
  grantReadResults(grantee: IGrantable): Grant {
    return grantReadFiles(
      checkedGrantee(this, 'grantReadResults', grantee),
      this.resultsBucket,
      this.#resultsPrefix,
    );
  }

  /** Creates a rule that sends status changes of batches to a target. */
  onStatusChange(id: string, subscription: BatchStatusSubscription): Rule {
    return batchStatusRule(this, id, this, subscription);
  }

  /** Creates a rule that sends status changes of jobs to a target. A job is one version of a request file. */
  onJobStatusChange(id: string, subscription: JobStatusSubscription): Rule {
    return jobStatusRule(this, id, this, subscription);
  }

  /** Creates a rule for jobs whose results are stored. Rows may have failed: the event has the counts. */
  onCompleted(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['completed'] });
  }

  /** Creates a rule for failed jobs: none of their batches ran. The event has the reason. Expired and cancelled jobs do not match. */
  onFailed(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['failed'] });
  }

  /** Creates a rule for files that Batchdrop rejected before it sent anything. The event has the first findings; the report has up to 1,000. */
  onRejected(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['rejected'] });
  }

  /** Creates a rule for jobs that are held until somebody approves them. The event has the reason and the estimate. */
  onUnapproved(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['unapproved'] });
  }

  /** Returns one of the metrics in docs/operations.md, by default as a sum over five minutes. */
  metric(name: MetricName, options?: MetricOptions): Metric {
    return batchdropMetric(this.instance, metricName(this, name), options);
  }

  /** Counts jobs whose first batch was created. */
  metricSubmitted(options?: MetricOptions): Metric {
    return this.metric('JobsSubmitted', options);
  }

  /** Counts jobs that completed. */
  metricCompleted(options?: MetricOptions): Metric {
    return this.metric('JobsCompleted', options);
  }

  /** Counts files that were rejected before anything was sent. */
  metricRejected(options?: MetricOptions): Metric {
    return this.metric('JobsRejected', options);
  }

  /** Counts rows that ended with an error from the API. */
  metricFailedRows(options?: MetricOptions): Metric {
    return this.metric('RowsFailed', options);
  }

  /** Number of open batches at each tick of POLL; by default the maximum over five minutes. */
  metricOpenBatches(options?: MetricOptions): Metric {
    return this.metric('OpenBatches', { statistic: 'Maximum', ...options });
  }

  /** Age of the oldest open batch, in seconds; by default the maximum over five minutes. */
  metricOldestOpenAge(options?: MetricOptions): Metric {
    return this.metric('OldestOpenAge', { statistic: 'Maximum', ...options });
  }

  /** Time from a batch's end at the API to its event, in seconds; by default the 90th percentile over five minutes. */
  metricDetectionLatency(options?: MetricOptions): Metric {
    return this.metric('DetectionLatency', { statistic: 'p90', ...options });
  }

  /** Counts the input tokens that the API bills for ended batches. */
  metricInputTokens(options?: MetricOptions): Metric {
    return this.metric('InputTokens', options);
  }

  /** Counts the output tokens that the API bills for ended batches. */
  metricOutputTokens(options?: MetricOptions): Metric {
    return this.metric('OutputTokens', options);
  }

  /** What ended jobs cost, in the currency of the prices; without jobs whose cost is not known. */
  metricCost(options?: MetricOptions): Metric {
    return this.metric('Cost', options);
  }
}
