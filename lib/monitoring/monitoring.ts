import type { Duration } from 'aws-cdk-lib';
import type { Alarm, IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { BatchdropOptions } from '../batchdrop-props.ts';
import type { WorkQueue } from '../resources/work-queue.ts';
import { windowLength } from '../stages/completion-window.ts';
import type { StageWorkers } from '../stages/stage-workers.ts';
import { AlarmTopic } from './alarm-topic.ts';
import { Alarms } from './alarms.ts';
import { BatchdropDashboard } from './dashboard.ts';
import { warnOfSilentTopics } from './silent-topics.ts';

interface MonitoringProps
  extends Pick<
    BatchdropOptions,
    'alarmEmail' | 'alarmAction' | 'pageAction' | 'ticketAction' | 'observeInterval' | 'budget'
  > {
  readonly monitoring: NonNullable<BatchdropOptions['monitoring']>;
  readonly pollInterval: Duration;
  readonly completionWindow: string;
}

/** Creates the alarms and the dashboard of a tier. Returns the alarms. */
export function createMonitoring(
  batchdrop: Construct & { readonly instance: string },
  stages: StageWorkers,
  props: MonitoringProps,
): Alarm[] {
  const { monitoring: tier, alarmEmail, alarmAction, pageAction, ticketAction } = props;
  if (tier === 'none') return [];
  const { instance } = batchdrop;
  const mail = alarmEmail === undefined ? undefined : mailTo(batchdrop, alarmEmail);
  const { all: alarms } = new Alarms(batchdrop, 'Alarms', {
    instance,
    stages,
    pollInterval: props.pollInterval,
    observeInterval: props.observeInterval,
    completionWindow: windowLength(props.completionWindow),
    hasBudget: props.budget !== undefined,
    tier,
    actionsOf: {
      page: present(mail, alarmAction, pageAction),
      ticket: present(mail, alarmAction, ticketAction),
    },
  });
  const [alarm] = alarms;
  if (alarm) warnOfSilentTopics(batchdrop, alarm, [alarmAction, pageAction, ticketAction]);
  if (tier === 'full') new BatchdropDashboard(batchdrop, 'Dashboard', { instance, stages, alarms });
  return alarms;
}

/** AWS sends mails once the owner of the address has confirmed it. */
function mailTo(batchdrop: Construct, address: string): IAlarmAction {
  const topic = new AlarmTopic(batchdrop, 'AlarmMail');
  topic.addSubscription(new EmailSubscription(address));
  return new SnsAction(topic);
}

/** Adds the alarm for tasks of Step Functions to those that the tier has. */
export function addTaskAlarm(batchdrop: Construct, work: WorkQueue): void {
  const alarms = batchdrop.node.tryFindChild('Alarms');
  if (alarms instanceof Alarms) alarms.addTaskAlarm(work);
}

function present<T>(...each: (T | undefined)[]): T[] {
  return each.filter((one) => one !== undefined);
}
