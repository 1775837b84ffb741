import { Duration, Size, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { PollEnv } from '../../functions/poll/env.ts';
import { BATCH_STATUSES, hasEnded } from '../../functions/shared/contract/batch-status.ts';
import { resultsEnvironment } from '../resources/buckets.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import type { OpenAiAccount } from '../resources/openai-account.ts';
import { batchStatusRule } from '../resources/subscriptions.ts';
import type { WorkQueue } from '../resources/work-queue.ts';
import { WorkerFunction, type WorkerSettings } from './worker-function.ts';

const TIMEOUT = Duration.minutes(1); // a tick ends earlier by itself and leaves the rest to the next one
const MAX_EVENT_AGE = Duration.minutes(1); // the minimum of both services: a late tick is no better than the next one

interface PollingProps {
  settings: WorkerSettings;
  pollInterval: Duration;
  /** How often all open batches are observed; undefined: at each tick. */
  observeInterval: Duration | undefined;
  /** Webhooks also report ends. */
  webhooks: boolean;
  /** An alarm watches whether ticks complete. */
  heartbeat: boolean;
  resultsBucket: IBucket;
  /** The start of all keys in the results bucket. */
  resultsPrefix: string | undefined;
  ledger: LedgerTable;
  eventBus: IEventBus;
  /** In the format of `batchLimitsOf`. */
  batchLimits: string;
  prices: Pick<PollEnv, 'PRICES'>;
  openAi: OpenAiAccount;
  intake: WorkQueue;
  submission: WorkQueue;
  delivery: WorkQueue;
}

/** POLL and its schedule. */
export class Polling extends Construct {
  readonly worker: WorkerFunction;

  constructor(scope: Construct, id: string, props: PollingProps) {
    super(scope, id);
    this.worker = new WorkerFunction(this, 'Worker', {
      settings: props.settings,
      bundle: 'poll',
      description: 'Updates every open job and batch',
      memory: Size.mebibytes(256), // pages of a hundred batches; it waits most of the time
      timeout: TIMEOUT,
      environment: {
        INSTANCE: props.settings.instance,
        LEDGER_TABLE: props.ledger.table.tableName,
        EVENT_BUS_ARN: props.eventBus.eventBusArn,
        ...resultsEnvironment(props), // only named in events, not read
        INTAKE_QUEUE_URL: props.intake.queue.queueUrl,
        SUBMIT_QUEUE_URL: props.submission.queue.queueUrl,
        DELIVER_QUEUE_URL: props.delivery.queue.queueUrl,
        ...props.openAi.environment(),
        BATCH_LIMITS: props.batchLimits,
        ...props.prices,
        ...(props.webhooks && { WEBHOOKS: 'on' }),
        ...(props.heartbeat && { HEARTBEAT: 'on' }),
        ...(props.observeInterval && { OBSERVE_INTERVAL: String(props.observeInterval.toSeconds()) }),
      } satisfies PollEnv,
      asynchronous: { maxEventAge: MAX_EVENT_AGE },
    });
    props.ledger.grantRecord(this.worker);
    props.ledger.grantListOfJob(this.worker);
    props.ledger.grantFindDue(this.worker);
    props.eventBus.grantPutEventsTo(this.worker);
    props.openAi.grantUse(this.worker);
    for (const work of [props.intake, props.submission, props.delivery]) work.grantSend(this.worker);
    this.#scheduleTicks(props.pollInterval);
    if (props.webhooks) this.#tickAtEnds(props);
  }

  /** A batch whose end WEBHOOK saw frees capacity, so a tick admits the parts that wait for it, if the last tick saw any. */
  #tickAtEnds({ eventBus, settings: { instance } }: PollingProps): void {
    batchStatusRule(
      this,
      'TickAtEnd',
      { eventBus, instance },
      {
        status: BATCH_STATUSES.filter(hasEnded),
        target: new LambdaFunction(this.worker.lambda, { maxEventAge: MAX_EVENT_AGE, retryAttempts: 0 }),
      },
    );
  }

  /** Without retries, here and in the function, because a retried tick would run next to the following one. */
  #scheduleTicks(interval: Duration): void {
    const stack = Stack.of(this);
    const role = new Role(this, 'TickRole', {
      // Only for schedules of this account, because the service acts for all accounts.
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    });
    const arn = this.worker.lambda.functionArn;
    // Without the CDK's target, which also grants invoking every version, although $LATEST is the only one.
    Grant.addToPrincipal({ grantee: role, actions: ['lambda:InvokeFunction'], resourceArns: [arn] });
    new Schedule(this, 'Tick', {
      description: 'Invokes POLL',
      schedule: ScheduleExpression.rate(interval),
      target: {
        bind: () => ({
          arn,
          role,
          retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: MAX_EVENT_AGE.toSeconds() },
        }),
      },
    });
  }
}
