import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  type IAlarmAction,
  MathExpression,
  type MetricOptions,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../../functions/shared/contract/metrics.ts';
import type { WorkQueue } from '../resources/work-queue.ts';
import type { QueueWorker, StageWorkers } from '../stages/stage-workers.ts';
import type { WorkerFunction } from '../stages/worker-function.ts';
import { ALARM_RANKS, type AlarmId, type Severity } from './alarm-ranks.ts';
import { batchdropMetric } from './batchdrop-metric.ts';
import { ImpactAlarm, type ImpactAlarmProps } from './impact-alarm.ts';

const PERIOD = Duration.minutes(5);
const STALLED_COUNTED_WITHIN = Duration.hours(1); // a stalled step is tried and counted every half hour
const REFUSED_ALONE_AT_LEAST_ONCE_IN = Duration.hours(2); // the pauses between its tries grow to 80 minutes
const LOOKED_AT_LEAST_ONCE_IN = Duration.hours(2); // results that do not agree are checked every hour
const SILENT_FOR = Duration.minutes(15);
const GRACE = Duration.hours(2); // in one observed case, a batch ended half an hour after its window; polling and delivery add time

interface AlarmsProps {
  instance: string;
  stages: StageWorkers;
  pollInterval: Duration;
  observeInterval: Duration | undefined;
  /** The time within which the API ends a batch. */
  completionWindow: Duration;
  hasBudget: boolean;
  tier: 'basic' | 'full';
  /** What the alarms of each severity trigger. */
  actionsOf: Readonly<Record<Severity, readonly IAlarmAction[]>>;
}

/** The functions with a queue. */
type QueueFunction = 'Intake' | 'Submit' | 'Deliver' | 'Cancel' | 'Approve';

/** The period of a metric, and how many periods must breach. */
interface Evaluation {
  period: Duration;
  of?: Pick<ImpactAlarmProps, 'periods'>;
}

const LASTING: Evaluation = { period: PERIOD, of: { periods: { breaching: 3, of: 3 } } };

function longer(one: Duration, other: Duration): Duration {
  return one.toSeconds() >= other.toSeconds() ? one : other;
}

/** The alarms of one Batchdrop, without those that its tier leaves out. Their ids are headings in docs/operations.md. */
export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  readonly #props: AlarmsProps;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.#props = props;
    const { intake, submission, delivery, cancellation, approval, polling, webhooks } = props.stages;
    const uploaders = 'users who uploaded files';
    this.#addQueueAlarms('Intake', intake, `${uploaders} wait until they are accepted or rejected`);
    this.#addQueueAlarms('Submit', submission, `${uploaders} wait for their batches to be created`);
    this.#addQueueAlarms('Deliver', delivery, 'users with ended batches wait for their results');
    this.#addQueueAlarms('Cancel', cancellation, 'users who cancelled keep paying for their batches');
    this.#addQueueAlarms('Approve', approval, 'the files of users wait although somebody approved them');
    this.#addLeftoverAlarm(
      'Undelivered',
      intake.undelivered,
      `${uploaders} get neither results nor events: EventBridge could not send to the intake queue`,
    );
    this.#addFunctionAlarms('Poll', polling.worker, 'status changes reach all users late', {
      errors: this.#lasting,
      throttles: this.#lasting,
    });
    if (webhooks) this.#addWebhookAlarms(webhooks.worker);
    this.#addPollAlarms();
    this.#addManualAlarms();
    if (props.hasBudget) this.#addBudgetAlarms();
  }

  /** Adds the alarm for tasks of Step Functions, at the first one. */
  addTaskAlarm({ deadLetters }: WorkQueue): void {
    this.#addLeftoverAlarm(
      'AnswerDeadLetters',
      deadLetters,
      'state machines wait until they time out although their jobs have ended: ANSWER failed every delivery',
    );
  }

  #addQueueAlarms(name: QueueFunction, { work, worker }: QueueWorker, impact: string): void {
    this.#addLeftoverAlarm(
      `${name}DeadLetters`,
      work.deadLetters,
      `${impact}, until the dead letters are redriven: messages failed every delivery`,
    );
    this.#add(`${name}Backlog`, {
      impact: `${impact}: the oldest message has waited for longer than two deliveries take`,
      metric: work.queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: 'Maximum' }),
      threshold: work.maxUsualAge.toSeconds(),
    });
    // Lambda retries throttled invocations, so only a lasting shortage has an impact.
    this.#addFunctionAlarms(name, worker, impact, { errors: { period: PERIOD }, throttles: LASTING });
  }

  #addLeftoverAlarm(id: AlarmId, queue: Queue, impact: string): void {
    this.#add(id, {
      impact,
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' }),
      threshold: 1,
    });
  }

  #addFunctionAlarms(
    name: QueueFunction | 'Poll' | 'Webhook',
    worker: WorkerFunction,
    impact: string,
    { errors, throttles }: { errors: Evaluation; throttles: Evaluation },
  ): void {
    this.#add(`${name}Errors`, {
      impact: `${impact}: invocations fail`,
      metric: worker.lambda.metricErrors({ period: errors.period, statistic: 'Sum' }),
      threshold: 1,
      ...errors.of,
    });
    this.#add(`${name}Throttles`, {
      impact: `${impact}: the account has no Lambda concurrency left`,
      metric: worker.lambda.metricThrottles({ period: throttles.period, statistic: 'Sum' }),
      threshold: 1,
      ...throttles.of,
    });
  }

  /** Adds alarms for what POLL reports at each tick. */
  #addPollAlarms(): void {
    const { pollInterval, completionWindow } = this.#props;
    // The period contains at least two ticks.
    const period = Duration.minutes(Math.max(PERIOD.toMinutes(), pollInterval.toMinutes() * 3));
    this.#add('PollHeartbeat', {
      impact:
        'no user gets status changes, and lost messages are not recovered: POLL has not completed a run',
      metric: this.#metric('Ticks', { period }),
      threshold: 1,
      silence: true,
    });
    this.#add('OldestOpenBatch', {
      impact: 'users wait for a batch that the API has not ended within its completion window',
      metric: this.#metric('OldestOpenAge', { period, statistic: 'Maximum' }),
      threshold: completionWindow.plus(GRACE).toSeconds(),
    });
  }

  /** Adds alarms for webhooks. Without webhooks, users wait only until the next observation of all batches. */
  #addWebhookAlarms(worker: WorkerFunction): void {
    const { pollInterval, observeInterval = pollInterval } = this.#props;
    const late = `users get the ends of batches up to ${observeInterval.toHumanString()} late`;
    this.#addFunctionAlarms('Webhook', worker, late, { errors: this.#lasting, throttles: LASTING });
    // All three periods must have ends that only POLL found, because in a single one POLL may have been faster than a
    // webhook.
    const period = longer(SILENT_FOR, observeInterval.plus(pollInterval));
    const [polled, told] = (['EndsByPoll', 'EndsByWebhook'] as const).map((name) =>
      this.#metric(name, { period }),
    );
    this.#add('WebhooksSilent', {
      impact: `${late}: POLL finds the ends of batches, and no webhooks arrive`,
      metric: new MathExpression({
        expression: 'IF(FILL(told, 0) > 0, 0, FILL(polled, 0))',
        usingMetrics: { ...(polled && { polled }), ...(told && { told }) },
        period,
      }),
      threshold: 1,
      periods: { breaching: 3, of: 3 },
    });
  }

  /** Adds alarms for what only a person can fix. */
  #addManualAlarms(): void {
    this.#add('KeyRefused', {
      impact:
        'all users wait: the API key is missing or was rejected, so nothing is sent, polled or cancelled',
      metric: this.#metric('KeyRefused', { period: this.#atLeastOnceIn(PERIOD) }),
      threshold: 1,
    });
    this.#add('AccountRefused', {
      impact:
        'users wait: the API refuses uploads or new batches, because the account cannot pay, may not use the service, or its file storage is full',
      metric: this.#metric('AccountRefused', { period: STALLED_COUNTED_WITHIN }),
      threshold: 1,
    });
    this.#add('PublishFailures', {
      impact: 'users get status changes late: the event bus does not accept events',
      metric: this.#metric('PublishFailures', { period: this.#lasting.period }),
      threshold: 1,
      ...this.#lasting.of, // events that were rejected once are sent again at the next tick
    });
    this.#add('SecondBatch', {
      impact: 'a user may be billed twice for rows that a second batch ran before it was cancelled',
      metric: this.#metric('SecondBatches', { period: PERIOD }),
      threshold: 1,
    });
    const { pollInterval } = this.#props;
    this.#add('CreateUncertain', {
      impact:
        'the user of a file waits until somebody acts: two creates of a part have no known outcome, and a third may cost money twice',
      metric: this.#metric('CreateUncertain', {
        period: Duration.minutes(Math.max(STALLED_COUNTED_WITHIN.toMinutes(), pollInterval.toMinutes() * 3)),
      }),
      threshold: 1,
    });
    this.#add('Stalled', {
      impact: 'the user of a file waits: a step has failed or waited for hours',
      metric: this.#metric('Stalled', { period: this.#atLeastOnceIn(STALLED_COUNTED_WITHIN) }),
      threshold: 1,
    });
    this.#add('TriesUsedUp', {
      impact: 'the file of a user failed before it ran, or stays at the API: a step failed on its last try',
      metric: this.#metric('TriesUsedUp', { period: PERIOD }),
      threshold: 1,
    });
    this.#add('ApprovalExpired', {
      impact: 'the file of a user did not run: nobody approved its job in time, so it was cancelled',
      metric: this.#metric('ApprovalsExpired', { period: PERIOD }),
      threshold: 1,
    });
    this.#addResultsAlarms();
    this.#add('RefusedAlone', {
      impact:
        'the user of a file waits: the API rejected a batch for the token limit, although no other batch of the model was open',
      metric: this.#metric('RefusedAlone', { period: this.#atLeastOnceIn(REFUSED_ALONE_AT_LEAST_ONCE_IN) }),
      threshold: 1,
    });
  }

  /** Adds alarms for budgets. */
  #addBudgetAlarms(): void {
    const period = this.#atLeastOnceIn(PERIOD);
    this.#add('BudgetNear', {
      impact: 'users will soon wait: a budget of the day or the month is spent or reserved to 80 %',
      metric: this.#metric('BudgetNear', { period, statistic: 'Maximum' }),
      threshold: 1,
    });
    this.#add('BudgetReached', {
      impact: 'users wait: their batches may cost more than a budget has left',
      metric: this.#metric('BudgetReached', { period, statistic: 'Maximum' }),
      threshold: 1,
    });
    this.#add('PriceUnknown', {
      impact: 'users wait: there is a budget, and no price of their model is known',
      metric: this.#metric('PriceUnknown', { period, statistic: 'Maximum' }),
      threshold: 1,
    });
  }

  /** Adds alarms for results that the API does not return, or not completely. */
  #addResultsAlarms(): void {
    const { pollInterval } = this.#props;
    const period = Duration.minutes(
      Math.max(LOOKED_AT_LEAST_ONCE_IN.toMinutes(), pollInterval.toMinutes() * 3),
    );
    this.#add('ResultsWaiting', {
      impact:
        'the user of a file waits: for more than an hour, the results at the API have not agreed with what was sent',
      metric: this.#metric('ResultsWaiting', { period }),
      threshold: 1,
    });
    this.#add('ResultsExpiring', {
      impact:
        'the user of a file will lose paid results: the API removes them in ten days, and Batchdrop could not read them yet',
      metric: this.#metric('ResultsExpiring', { period }),
      threshold: 1,
    });
    this.#add('RowsMissing', {
      impact: 'the user of a file has no result for some of its rows, which may have been billed',
      metric: this.#metric('RowsMissing', { period: PERIOD }),
      threshold: 1,
    });
  }

  /**
   * Detects a problem that lasts for several ticks, and ignores one that affects a single tick. Each period contains a
   * tick, except by chance.
   */
  get #lasting(): Evaluation {
    const { pollInterval } = this.#props;
    const interval = pollInterval.toMinutes();
    if (2 * interval <= PERIOD.toMinutes()) return LASTING;
    return { period: longer(PERIOD, pollInterval), of: { periods: { breaching: 2, of: 3 } } };
  }

  /** Returns a period for a report that a tick makes at least once in `period` if ticks are a minute apart. */
  #atLeastOnceIn(period: Duration): Duration {
    const interval = this.#props.pollInterval.toMinutes();
    return 2 * interval <= PERIOD.toMinutes() ? period : period.plus(Duration.minutes(2 * interval));
  }

  #metric(name: MetricName, options: MetricOptions) {
    return batchdropMetric(this.#props.instance, name, options);
  }

  #add(id: AlarmId, props: Omit<ImpactAlarmProps, 'instance' | 'actions'>): void {
    const { instance, tier, actionsOf } = this.#props;
    const rank = ALARM_RANKS[id];
    if (tier === 'basic' && rank.tier !== 'basic') return;
    this.all.push(new ImpactAlarm(this, id, { ...props, instance, actions: actionsOf[rank.severity] }));
  }
}
