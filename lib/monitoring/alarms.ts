import { Duration } from 'aws-cdk-lib';
import type { Alarm, IAlarmAction, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../../functions/shared/contract/metrics.ts';
import type { QueueWorker, StageWorkers } from '../stages/stage-workers.ts';
import type { WorkerFunction } from '../stages/worker-function.ts';
import { batchdropMetric } from './batchdrop-metric.ts';
import { ImpactAlarm, type ImpactAlarmProps } from './impact-alarm.ts';

const LOOK = Duration.minutes(5);
const STALLED_COUNTED_WITHIN = Duration.hours(1); // what is held is tried every half hour, and counted each time
const REFUSED_ALONE_AT_LEAST_ONCE_IN = Duration.hours(2); // its pauses grow to 80 minutes
const GRACE = Duration.hours(2); // an end was seen half an hour after its window; a tick and a delivery come on top

interface AlarmsProps {
  instance: string;
  stages: StageWorkers;
  pollInterval: Duration;
  /** What the API allows itself for a batch. */
  completionWindow: Duration;
  action: IAlarmAction | undefined;
}

/** The alarms of one Batchdrop. Their ids are the names of the sections in docs/operations.md. */
export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  readonly #props: AlarmsProps;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.#props = props;
    const { intake, submission, delivery, cancellation, polling } = props.stages;
    const files = 'users who dropped files';
    this.#worksOff('Intake', intake, `${files} wait for them to be accepted or rejected`);
    this.#worksOff('Submit', submission, `${files} wait for their batches to be created`);
    this.#worksOff('Deliver', delivery, 'users with ended batches wait for their results');
    this.#worksOff('Cancel', cancellation, 'users who cancelled go on paying for the batches');
    this.#leftOver(
      'Undelivered',
      intake.undelivered,
      `${files} hear nothing of them: events did not get to the intake queue`,
    );
    this.#runs('Poll', polling.worker, 'status changes come late for every user', 3);
    this.#reconciles();
    this.#needsSomebody();
  }

  #worksOff(name: string, { work, worker }: QueueWorker, hurt: string): void {
    this.#leftOver(`${name}DeadLetters`, work.deadLetters, `${hurt}, for ever: messages were given up`);
    this.#add(`${name}Backlog`, {
      impact: `${hurt}: the oldest message is older than two deliveries take`,
      metric: work.queue.metricApproximateAgeOfOldestMessage({ period: LOOK, statistic: 'Maximum' }),
      threshold: work.longestUsualAge.toSeconds(),
    });
    this.#runs(name, worker, hurt, 1);
  }

  #leftOver(id: string, queue: Queue, impact: string): void {
    this.#add(id, {
      impact,
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: LOOK, statistic: 'Maximum' }),
      threshold: 1,
    });
  }

  #runs(name: string, worker: WorkerFunction, hurt: string, periods: number): void {
    this.#add(`${name}Errors`, {
      impact: `${hurt}: invocations fail`,
      metric: worker.lambda.metricErrors({ period: LOOK, statistic: 'Sum' }),
      threshold: 1,
      periods,
    });
    this.#add(`${name}Throttles`, {
      impact: `${hurt}: the account has no concurrency left`,
      metric: worker.lambda.metricThrottles({ period: LOOK, statistic: 'Sum' }),
      threshold: 1,
      periods: 3, // Lambda repeats what it throttled; only a shortage that lasts hurts
    });
  }

  /** What POLL reports at each tick. */
  #reconciles(): void {
    const { pollInterval, completionWindow } = this.#props;
    // At least two ticks fall in.
    const period = Duration.minutes(Math.max(LOOK.toMinutes(), pollInterval.toMinutes() * 3));
    this.#add('PollHeartbeat', {
      impact: 'no status change reaches any user, and nothing that was lost is healed: no tick is finished',
      metric: this.#metric('Ticks', { period }),
      threshold: 1,
      silence: true,
    });
    this.#add('OldestOpenBatch', {
      impact: 'the users of a batch wait for an end that the API has not come to within its own window',
      metric: this.#metric('OldestOpenAge', { period, statistic: 'Maximum' }),
      threshold: completionWindow.plus(GRACE).toSeconds(),
    });
  }

  /** What heals by no machine, or only after a person did something. */
  #needsSomebody(): void {
    this.#add('KeyRefused', {
      impact:
        'every user waits: the API key is missing or refused, and nothing is sent, looked at or cancelled',
      metric: this.#metric('KeyRefused', { period: LOOK }),
      threshold: 1,
    });
    this.#add('PublishFailures', {
      impact: 'users hear late of what became of their files: the bus does not take events',
      metric: this.#metric('PublishFailures', { period: LOOK }),
      threshold: 1,
      periods: 3, // what is refused once is sent again at the next tick
    });
    this.#add('SecondBatch', {
      impact: 'the user who pays is billed twice for rows that a second batch ran before it was cancelled',
      metric: this.#metric('SecondBatches', { period: LOOK }),
      threshold: 1,
    });
    this.#add('Stalled', {
      impact:
        'the user of a file waits without end: a step has failed for hours, and what is at the API is unsure',
      metric: this.#metric('Stalled', { period: STALLED_COUNTED_WITHIN }),
      threshold: 1,
    });
    this.#add('TriesUsedUp', {
      impact:
        'a user gets a file back unrun, or files of a user stay at the API: a step failed to its last try',
      metric: this.#metric('TriesUsedUp', { period: LOOK }),
      threshold: 1,
    });
    this.#add('RefusedAlone', {
      impact: 'the user of a file waits without end: a batch of it has more tokens than the API ever takes',
      metric: this.#metric('RefusedAlone', { period: REFUSED_ALONE_AT_LEAST_ONCE_IN }),
      threshold: 1,
    });
  }

  #metric(name: MetricName, options: MetricOptions) {
    return batchdropMetric(this.#props.instance, name, options);
  }

  #add(id: string, props: Omit<ImpactAlarmProps, 'action'>): void {
    this.all.push(new ImpactAlarm(this, id, { ...props, action: this.#props.action }));
  }
}
