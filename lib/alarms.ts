import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { HouseFunction } from './house-function.ts';
import type { WorkQueue } from './work-queue.ts';

const LOOK = Duration.minutes(5);

interface HouseAlarmProps {
  /** Whom it hurts, and how: the alarm's description. */
  impact: string;
  metric: IMetric;
  /** It alarms at this value and above, or, with `silence`, below it. */
  threshold: number;
  /** Periods that have to be bad, one after the other. */
  periods?: number;
  /** The alarm is about something that ought to happen and does not: no data is bad news. */
  silence?: boolean;
}

/** An alarm that says whom it hurts. */
class HouseAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: HouseAlarmProps) {
    super(scope, id, {
      alarmDescription: props.impact,
      metric: props.metric,
      threshold: props.threshold,
      evaluationPeriods: props.periods ?? 1,
      comparisonOperator: props.silence
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: props.silence ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
  }
}

interface QueueWorker {
  work: WorkQueue;
  worker: HouseFunction;
}

export interface AlarmsProps {
  intake: QueueWorker & { undelivered: Queue };
  submission: QueueWorker;
  delivery: QueueWorker;
  cancellation: QueueWorker;
  polling: { worker: HouseFunction };
  pollInterval: Duration;
}

/** The alarms of one Batchdrop. Their ids are the names of the sections in docs/operations.md. */
export class Alarms extends Construct {
  readonly all: Alarm[] = [];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { intake, submission, delivery, cancellation, polling } = props;
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
    this.#heartbeat(polling.worker, props.pollInterval);
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

  #runs(name: string, worker: HouseFunction, hurt: string, periods: number): void {
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

  #heartbeat(poller: HouseFunction, interval: Duration): void {
    this.#add('PollHeartbeat', {
      impact:
        'no status change reaches any user, and nothing that was lost is healed: the reconciler does not run',
      metric: poller.lambda.metricInvocations({
        period: Duration.minutes(Math.max(LOOK.toMinutes(), interval.toMinutes() * 3)), // at least two ticks fall in
        statistic: 'Sum',
      }),
      threshold: 1,
      silence: true,
    });
  }

  #add(id: string, props: HouseAlarmProps): void {
    this.all.push(new HouseAlarm(this, id, props));
  }
}
