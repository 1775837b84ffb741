import { type CfnOutput, Duration } from 'aws-cdk-lib';
import type { Alarm, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/shared/contract/metrics.ts';
import type { BatchdropProps } from './batchdrop-props.ts';
import { type CheckedProps, checkedProps } from './checked-props.ts';
import { checkAtSynth } from './guards/check-at-synth.ts';
import { checkedGrantee, metricName } from './guards/method-arguments.ts';
import { batchdropMetric } from './monitoring/batchdrop-metric.ts';
import { addTaskAlarm, createMonitoring } from './monitoring/monitoring.ts';
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
import { type StartAndWaitProps, startAndWait } from './workflows/start-and-wait.ts';
import { TaskCallbacks } from './workflows/task-callbacks.ts';

/**
 * Runs the request files that are uploaded to a bucket through the OpenAI Batch API, publishes every status change as an
 * event and writes the results to another bucket.
 * @example
 * const batchdrop = new Batchdrop(stack, 'Batchdrop');
 * batchdrop.grantSubmit(reportFunction);
 * batchdrop.onCompleted('Done', { target: new SqsQueue(queue) });
 */
export class Batchdrop extends Construct {
  /**
   * Bucket for request files.
   * @example new CfnOutput(stack, 'DropHere', { value: batchdrop.requestBucket.bucketName });
   */
  readonly requestBucket: IBucket;
  /**
   * Bucket with the results.
   * @example new CfnOutput(stack, 'ReadHere', { value: batchdrop.resultsBucket.bucketName });
   */
  readonly resultsBucket: IBucket;
  /**
   * Event bus of the status changes.
   * @example new Rule(stack, 'Stalled', { eventBus: batchdrop.eventBus, eventPattern: jobStalledPattern(), targets: [new SqsQueue(queue)] });
   */
  readonly eventBus: IEventBus;
  /**
   * Name of this Batchdrop, unique in the account and region: `metadata.instance` of events, and the dimension
   * `service` of metrics.
   * @example ofInstance(batchdrop.instance, jobStatusPattern('completed'));
   */
  readonly instance: string;
  /**
   * Queue for cancel requests.
   * @example reportFunction.addEnvironment('CANCEL_QUEUE_URL', batchdrop.cancelQueue.queueUrl);
   */
  readonly cancelQueue: IQueue;
  /**
   * Queue for approvals of jobs that are held.
   * @example reportFunction.addEnvironment('APPROVAL_QUEUE_URL', batchdrop.approvalQueue.queueUrl);
   */
  readonly approvalQueue: IQueue;
  /**
   * Table with the state of every job and batch. Only Batchdrop may write to it.
   * @example batchdrop.ledger.metricThrottledRequestsForOperation('GetItem');
   */
  readonly ledger: Table;
  /**
   * The alarms of the tier `monitoring`, for further actions or a composite alarm.
   * @example for (const alarm of batchdrop.alarms) alarm.addAlarmAction(new SnsAction(topic));
   */
  readonly alarms: Alarm[];
  /**
   * Stack outputs by which the `batchdrop` command finds this construct.
   * @example for (const output of batchdrop.outputs) console.log(output.node.id);
   */
  readonly outputs: CfnOutput[];
  readonly #requestPrefix: string | undefined;
  readonly #resultsPrefix: string | undefined;
  /** Creates what tasks of Step Functions need, at the first `startAndWait`. */
  #createCallbacks!: () => TaskCallbacks;
  #callbacks: TaskCallbacks | undefined;

  /** Creates the buckets, queues, functions, and the ledger. Errors: an Error that names each invalid prop. */
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
    this.alarms = createMonitoring(this, stages, checked);
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
        tracing: props.tracing,
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
      maxConcurrency: props.maxConcurrency,
    };
    const longestRun = windowLength(props.completionWindow).toSeconds() * props.maxAttempts;
    this.#createCallbacks = () =>
      new TaskCallbacks(this, 'Callbacks', { ...shared, longestRun: Duration.seconds(longestRun) });
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
      delivery: delivery.work,
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
      heartbeat: props.monitoring !== 'none',
      intake: intake.work,
      submission: submission.work,
      delivery: delivery.work,
    });
    const { webhook } = props;
    const webhooks =
      webhook && new Webhooks(this, 'Webhooks', { ...shared, webhook, delivery: delivery.work });
    return { intake, submission, delivery, cancellation, approval, polling, webhooks };
  }

  /**
   * Grants uploading request files.
   * @example batchdrop.grantSubmit(reportFunction);
   */
  grantSubmit(grantee: IGrantable): Grant {
    return grantPutFiles(
      checkedGrantee(this, 'grantSubmit', grantee),
      this.requestBucket,
      this.#requestPrefix,
    );
  }

  /**
   * Grants sending cancel requests.
   * @example batchdrop.grantCancel(reportFunction);
   */
  grantCancel(grantee: IGrantable): Grant {
    return this.cancelQueue.grantSendMessages(checkedGrantee(this, 'grantCancel', grantee));
  }

  /**
   * Grants approving jobs that are held.
   * @example batchdrop.grantApprove(reportFunction);
   */
  grantApprove(grantee: IGrantable): Grant {
    return this.approvalQueue.grantSendMessages(checkedGrantee(this, 'grantApprove', grantee));
  }

  /**
   * Grants listing and reading results.
   * @example batchdrop.grantReadResults(reportFunction);
   */
  grantReadResults(grantee: IGrantable): Grant {
    return grantReadFiles(
      checkedGrantee(this, 'grantReadResults', grantee),
      this.resultsBucket,
      this.#resultsPrefix,
    );
  }

  /**
   * Creates a rule that sends status changes of batches to a target.
   * @example batchdrop.onStatusChange('Expired', { status: ['expired'], target: new LambdaFunction(reportFunction) });
   */
  onStatusChange(id: string, subscription: BatchStatusSubscription): Rule {
    return batchStatusRule(this, id, this, subscription);
  }

  /**
   * Creates a rule that sends status changes of jobs to a target. A job is one version of a request file.
   * @example
   * batchdrop.onJobStatusChange('Ended', {
   *   status: ['completed', 'failed', 'expired', 'cancelled'],
   *   target: new LambdaFunction(reportFunction),
   * });
   */
  onJobStatusChange(id: string, subscription: JobStatusSubscription): Rule {
    return jobStatusRule(this, id, this, subscription);
  }

  /**
   * Creates a rule for jobs whose results are stored. Rows may have failed: the event has the counts.
   * @example batchdrop.onCompleted('Done', { target: new LambdaFunction(reportFunction) });
   */
  onCompleted(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['completed'] });
  }

  /**
   * Creates a rule for failed jobs: none of their batches ran. The event has the reason. Expired and cancelled jobs do not match.
   * @example batchdrop.onFailed('Failed', { target: new SnsTopic(topic) });
   */
  onFailed(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['failed'] });
  }

  /**
   * Creates a rule for files that Batchdrop rejected before it sent anything. The event has the first findings; the report has up to 1,000.
   * @example batchdrop.onRejected('Rejected', { target: new SnsTopic(topic) });
   */
  onRejected(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['rejected'] });
  }

  /**
   * Creates a rule for jobs that are held until somebody approves them. The event has the reason and the estimate.
   * @example batchdrop.onUnapproved('ToApprove', { target: new SnsTopic(topic) });
   */
  onUnapproved(id: string, subscriber: Subscriber): Rule {
    return this.onJobStatusChange(id, { ...subscriber, status: ['unapproved'] });
  }

  /**
   * Creates a state of Step Functions that copies a file into the request bucket, starts its job, and waits for the job's end
   * (docs/step-functions.md). Its output is the event of the end. Any other end than `completed` is an error, such as
   * `Batchdrop.Failed`. The state machine must be a standard one.
   * @example
   * const classify = batchdrop.startAndWait(stack, 'Classify', { sourceBuckets: [inbox], timeout: Duration.days(4) });
   * new StateMachine(stack, 'Machine', { definitionBody: DefinitionBody.fromChainable(classify) });
   */
  startAndWait(scope: Construct, id: string, props: StartAndWaitProps): TaskStateBase {
    if (!this.#callbacks) {
      this.#callbacks = this.#createCallbacks();
      addTaskAlarm(this, this.#callbacks.work);
    }
    return startAndWait(scope, id, props, this.#callbacks);
  }

  /**
   * Returns one of the metrics in docs/operations.md, by default as a sum over five minutes.
   * @example batchdrop.metric('RowsMissing', { period: Duration.hours(1) });
   */
  metric(name: MetricName, options?: MetricOptions): Metric {
    return batchdropMetric(this.instance, metricName(this, name), options);
  }

  /**
   * Counts jobs whose first batch was created.
   * @example batchdrop.metricSubmitted();
   */
  metricSubmitted(options?: MetricOptions): Metric {
    return this.metric('JobsSubmitted', options);
  }

  /**
   * Counts jobs that completed.
   * @example batchdrop.metricCompleted({ period: Duration.days(1) });
   */
  metricCompleted(options?: MetricOptions): Metric {
    return this.metric('JobsCompleted', options);
  }

  /**
   * Counts files that were rejected before anything was sent.
   * @example batchdrop.metricRejected().createAlarm(stack, 'Rejections', { threshold: 1, evaluationPeriods: 1 });
   */
  metricRejected(options?: MetricOptions): Metric {
    return this.metric('JobsRejected', options);
  }

  /**
   * Counts rows that ended with an error from the API.
   * @example batchdrop.metricFailedRows().createAlarm(stack, 'FailedRows', { threshold: 100, evaluationPeriods: 1 });
   */
  metricFailedRows(options?: MetricOptions): Metric {
    return this.metric('RowsFailed', options);
  }

  /**
   * Number of open batches at each tick of POLL; by default the maximum over five minutes.
   * @example batchdrop.metricOpenBatches();
   */
  metricOpenBatches(options?: MetricOptions): Metric {
    return this.metric('OpenBatches', { statistic: 'Maximum', ...options });
  }

  /**
   * Age of the oldest open batch, in seconds; by default the maximum over five minutes.
   * @example batchdrop.metricOldestOpenAge();
   */
  metricOldestOpenAge(options?: MetricOptions): Metric {
    return this.metric('OldestOpenAge', { statistic: 'Maximum', ...options });
  }

  /**
   * Time from a batch's end at the API to its event, in seconds; by default the 90th percentile over five minutes.
   * @example batchdrop.metricDetectionLatency({ statistic: 'p99' });
   */
  metricDetectionLatency(options?: MetricOptions): Metric {
    return this.metric('DetectionLatency', { statistic: 'p90', ...options });
  }

  /**
   * Counts the input tokens that the API bills for ended batches.
   * @example batchdrop.metricInputTokens({ period: Duration.days(1) });
   */
  metricInputTokens(options?: MetricOptions): Metric {
    return this.metric('InputTokens', options);
  }

  /**
   * Counts the output tokens that the API bills for ended batches.
   * @example batchdrop.metricOutputTokens({ period: Duration.days(1) });
   */
  metricOutputTokens(options?: MetricOptions): Metric {
    return this.metric('OutputTokens', options);
  }

  /**
   * What ended jobs cost, in the currency of the prices; without jobs whose cost is not known.
   * @example batchdrop.metricCost({ period: Duration.days(1) }).createAlarm(stack, 'Costly', { threshold: 50, evaluationPeriods: 1 });
   */
  metricCost(options?: MetricOptions): Metric {
    return this.metric('Cost', options);
  }
}
