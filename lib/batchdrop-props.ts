import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { BudgetProps } from './budget-props.ts';
import type { PriceProps } from './price-props.ts';
import type { SharesProps } from './shares-props.ts';
import type { BatchdropTracing } from './tracing.ts';
import type { WebhookProps } from './webhook-props.ts';

/**
 * Options of both the construct and the ready-made stack. Every default is fit for production.
 * @example { expireFilesAfter: Duration.days(30), alarmAction: new SnsAction(topic) }
 */
export interface BatchdropOptions {
  /**
   * Prefix of the keys that are request files, in a bucket of your own; ASCII, at most 512 bytes. Batchdrop reads no other
   * objects and reports nothing about them.
   * @default - every key is a request file
   * @example 'batches/'
   */
  readonly requestPrefix?: string | undefined;
  /**
   * Folder of the results in their bucket, such as `batchdrop/`; at most 80 bytes. Batchdrop can read, write and delete
   * nothing outside it.
   * @default - results are at the top of the bucket
   * @example 'batchdrop/'
   */
  readonly resultsPrefix?: string | undefined;
  /**
   * Base URL of an API with OpenAI's Batch protocol: https, without query and fragment. The API key and every row are
   * sent to it.
   * @default 'https://api.openai.com/v1'
   * @example 'https://api.groq.com/openai/v1'
   */
  readonly baseUrl?: string | undefined;
  /**
   * Completion window of each batch, in hours or days. OpenAI accepts only `24h`; other vendors accept more values. An
   * alarm goes off if a batch is still open two hours after its window.
   * @default '24h'
   * @example '7d'
   */
  readonly completionWindow?: string | undefined;
  /**
   * Time between two polls of the open batches, in whole minutes, at most one hour. An event is usually published
   * within this time after the change. Each poll costs one invocation of a small function.
   * @default Duration.minutes(1)
   * @example Duration.minutes(5)
   */
  readonly pollInterval?: Duration | undefined;
  /**
   * Receives the API's webhooks at a public URL, so that Batchdrop knows the end of a batch within seconds. If a webhook does
   * not arrive, POLL finds the end. Run `batchdrop webhook enable` after the deployment.
   * @default - no webhooks
   * @example { reservedConcurrency: 5 }
   */
  readonly webhook?: WebhookProps | undefined;
  /**
   * Time between two observations of all open batches at the API: `pollInterval` or more, at most an hour. Needs `webhook`.
   * If a webhook does not arrive, POLL finds the end of the batch within about this time. POLL still does all other work at
   * each `pollInterval`.
   * @default - `pollInterval`
   * @example Duration.minutes(15)
   */
  readonly observeInterval?: Duration | undefined;
  /**
   * Maximum number of files that INTAKE checks at a time, of batches that SUBMIT creates, and of batches whose results DELIVER
   * stores: from 2 to 1,000, or 0 for no maximum. Without a maximum, an idle stack costs $0.46 less per month, because Lambda polls
   * its queues less, but many files at once may use up the concurrency of all functions of the account.
   * @default - 5; no maximum with `monitoring: 'none'`, because such a stack is for tests
   * @example 20
   */
  readonly maxConcurrency?: number | undefined;
  /**
   * Removal policy of the buckets and the ledger. Their data cannot be recreated. DESTROY also turns off the ledger's
   * deletion protection. CloudFormation deletes a bucket only if you have emptied it.
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   * @example RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy | undefined;
  /**
   * Keeps the uploaded files and the result files at the API, where they count against its storage limit until it
   * deletes them after 30 days.
   * @default false - Batchdrop deletes them at the API once the results are delivered
   * @example true
   */
  readonly keepOpenAiFiles?: boolean | undefined;
  /**
   * The maximum number of batches per row, 1 to 10. Rows that expired or failed for a temporary reason (408, 409, 429,
   * 5xx, no response) run again in a new batch. Rows that succeeded never run again. 1 turns reruns off.
   * @default 3
   * @example 1
   */
  readonly maxAttempts?: number | undefined;
  /**
   * Also runs rows again that are missing from both result files. The API may have run and billed them already.
   * @default false - they are reported as missing
   * @example true
   */
  readonly rerunMissing?: boolean | undefined;
  /**
   * Also stores the results of each job as one table, `output.csv`: a row for each request, with the columns of its JSON
   * schema. A file with S3 metadata `x-amz-meta-batchdrop-format: jsonl` gets none.
   * @default false - only files with `x-amz-meta-batchdrop-format: csv` get one
   * @example true
   */
  readonly flatResults?: boolean | undefined;
  /**
   * The maximum number of enqueued input tokens, by model. Files are split into batches of at most half the limit, and
   * batches wait while they would exceed it. Token counts are estimates that are corrected with the usage of finished
   * batches. Set it for models whose OpenAI limit no other program uses. Without it, Batchdrop sends a batch at once.
   * If OpenAI rejects the batch for its limit, Batchdrop sends it again later, and learns the limit from the
   * rejections.
   * @default - no limit
   * @example { 'gpt-4o-mini': 2_000_000 }
   */
  readonly enqueuedTokens?: { readonly [model: string]: number } | undefined;
  /**
   * The maximum number of open batches, 1 to 1,500. Other batches wait; those of the oldest file are sent first, or
   * those whose turn it is by `shares`.
   * @default - no limit
   * @example 50
   */
  readonly maxOpenBatches?: number | undefined;
  /**
   * Fair shares: batches that wait for a limit begin in proportion to the weights of their shares, for example of teams,
   * counted in estimated tokens; within a share, the oldest file first. S3 metadata `x-amz-meta-batchdrop-priority: high` or
   * `low` multiplies the weight by 4 or ¼. No share and no priority waits forever. What need not wait is not affected.
   * @default - the oldest file first, and no priorities
   * @example { by: 'team', weights: { search: 3, '*': 1 } }
   */
  readonly shares?: SharesProps | undefined;
  /**
   * Budget: a wall for what is spent at the API. A batch that may cost more than is left waits, and delays no other one, until
   * enough is left or the next UTC day or month begins, or `batchdrop approve` lets its job pass. Running batches are not
   * cut, unless `stopAtBudget` is set. Every batch then waits up to a minute until it begins. Models without a price wait until `prices` has one.
   * @default - no budget
   * @example { perDay: 200, by: 'team', each: { search: 50 } }
   */
  readonly budget?: BudgetProps | undefined;
  /**
   * What a job may cost without an approval, in the currency of the price table. A job whose estimate may be higher, or
   * cannot be made, is held after its file was checked: nothing is sent before somebody approves the job.
   * @default - only files with `x-amz-meta-batchdrop-hold: yes` are held
   * @example 20
   */
  readonly approveAbove?: number | undefined;
  /**
   * Time for the approval of a job that is held, in whole minutes, at most 365 days. A job that nobody approves in time is
   * cancelled, and an alarm reports it.
   * @default Duration.days(7)
   * @example Duration.days(2)
   */
  readonly approvalExpiresAfter?: Duration | undefined;
  /**
   * What tokens cost, for the cost of jobs.
   * @default - the list prices that Batchdrop comes with, less 50 %
   * @example { models: { 'my-model*': { input: 0.1, output: 0.4 } } }
   */
  readonly prices?: PriceProps | undefined;
  /**
   * Age at which request files and results expire, in the buckets that Batchdrop creates: at least four days, plus one
   * completion window per attempt (`maxAttempts`). A file whose job has not ended never expires. An expired request file remains as a
   * noncurrent version for 30 more days.
   * @default - files never expire
   * @example Duration.days(30)
   */
  readonly expireFilesAfter?: Duration | undefined;
  /**
   * KMS key for the buckets that Batchdrop creates, the ledger and the queues. Its `grant…` methods also grant the use of
   * the key. The policy of an imported key must allow `events.amazonaws.com` `kms:GenerateDataKey` and `kms:Decrypt`, or
   * no file is processed. Events, logs and access logs are encrypted with AWS's keys.
   * @default - AWS's keys
   * @example new Key(stack, 'Key')
   */
  readonly encryptionKey?: IKey | undefined;
  /**
   * VPC to run the functions in. Every byte of every file then goes through it.
   * @default - the functions run outside of any VPC
   * @example Vpc.fromLookup(stack, 'Vpc', { isDefault: true })
   */
  readonly vpc?: IVpc | undefined;
  /**
   * Subnets of the VPC. They need a route to the API and to AWS's services, such as a NAT gateway. Without a route, all
   * work waits.
   * @default - the private subnets with egress
   * @example { subnetType: SubnetType.PRIVATE_WITH_EGRESS }
   */
  readonly vpcSubnets?: SubnetSelection | undefined;
  /**
   * Security groups of the functions in the VPC. The functions need outbound 443 and nothing inbound.
   * @default - one per function, which allows all outbound traffic
   * @example [new SecurityGroup(stack, 'Outbound', { vpc })]
   */
  readonly securityGroups?: ISecurityGroup[] | undefined;
  /**
   * Log group for all functions. Metrics are extracted from the logs, so in a group of the class "infrequent access"
   * the alarms have no data.
   * @default - one for each function, kept for 30 days
   * @example new LogGroup(stack, 'Logs', { retention: RetentionDays.ONE_WEEK })
   */
  readonly logGroup?: ILogGroup | undefined;
  /**
   * Traces every function: `BatchdropTracing.xRay()`, or `BatchdropTracing.openTelemetry()` with a layer of your own. The
   * annotations `jobId` and `batchId` find all traces of a job.
   * @default - no tracing: nothing is loaded, and no permission is granted
   * @example BatchdropTracing.xRay()
   */
  readonly tracing?: BatchdropTracing | undefined;
  /**
   * What watches this Batchdrop: `none`, `basic` for at most 8 alarms about what only a person can fix, or `full` for all
   * alarms and a dashboard. docs/costs.md states the cost of each. The functions report their metrics in each case; only
   * the metric `Ticks` needs `basic` or `full`. With `none`, the default of `maxConcurrency` is another one.
   * @default 'basic'
   * @example 'full'
   */
  readonly monitoring?: 'none' | 'basic' | 'full' | undefined;
  /**
   * Mail address that receives every alarm. AWS sends it a mail with a link; nothing else arrives until somebody opens the
   * link.
   * @default - no mails
   * @example 'team@example.com'
   */
  readonly alarmEmail?: string | undefined;
  /**
   * Action of every alarm, such as a message to an SNS topic. A topic with a policy, for example of `enforceSSL`, must
   * allow `cloudwatch.amazonaws.com` `sns:Publish`, or no message arrives.
   * @default - none: without any action and `alarmEmail`, alarms show in CloudWatch only
   * @example new SnsAction(topic)
   */
  readonly alarmAction?: IAlarmAction | undefined;
  /**
   * Action of the alarms with the severity `page`, in addition to `alarmAction`: somebody must act now.
   * @default - none
   * @example new SnsAction(topic)
   */
  readonly pageAction?: IAlarmAction | undefined;
  /**
   * Action of the alarms with the severity `ticket`, in addition to `alarmAction`: somebody must act on the next working
   * day.
   * @default - none
   * @example new SnsAction(topic)
   */
  readonly ticketAction?: IAlarmAction | undefined;
}

/**
 * Props of the construct.
 * @example { requestBucket: Bucket.fromBucketName(stack, 'Ours', 'our-files'), requestPrefix: 'batches/' }
 */
export interface BatchdropProps extends BatchdropOptions {
  /**
   * Bucket for request files. A bucket of your own must be versioned, must be in the account and region of the stack,
   * and must have EventBridge notifications turned on. Batchdrop does not change its settings.
   * @default - a bucket is created: versioned, encrypted, not public, with access logs
   * @example new Bucket(stack, 'Requests', { versioned: true, eventBridgeEnabled: true })
   */
  readonly requestBucket?: IBucket | undefined;
  /**
   * Bucket for results. It must not be the request bucket, because each result would then be processed as a request
   * file.
   * @default - a bucket is created: encrypted, not public, with access logs
   * @example Bucket.fromBucketName(stack, 'Results', 'our-results')
   */
  readonly resultsBucket?: IBucket | undefined;
  /**
   * Secret with the API key: only the key, or JSON `{apiKey, organization, project}`. You create it. Its value is in
   * neither the template nor an environment variable. Until it exists, Batchdrop accepts files and they wait.
   * @default - the secret named `batchdrop/openai`
   * @example Secret.fromSecretNameV2(stack, 'ApiKey', 'team/openai')
   */
  readonly apiKeySecret?: ISecret | undefined;
  /**
   * Event bus for status changes. Your own rules and archive can be on the same bus.
   * @default - a bus is created
   * @example EventBus.fromEventBusName(stack, 'Bus', 'default')
   */
  readonly eventBus?: IEventBus | undefined;
}
