import type { Duration } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { BatchdropOptions } from '../batchdrop-props.ts';
import { windowLength } from '../stages/completion-window.ts';
import type { StageWorkers } from '../stages/stage-workers.ts';
import { AlarmMail } from './alarm-mail.ts';
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
  const mail = alarmEmail === undefined ? undefined : new AlarmMail(batchdrop, 'AlarmMail', alarmEmail);
  const { all: alarms } = new Alarms(batchdrop, 'Alarms', {
    instance,
    stages,
    pollInterval: props.pollInterval,
    observeInterval: props.observeInterval,
    completionWindow: windowLength(props.completionWindow),
    hasBudget: props.budget !== undefined,
    tier,
    actionsOf: {
      page: present(mail?.action, alarmAction, pageAction),
      ticket: present(mail?.action, alarmAction, ticketAction),
    },
  });
  const [alarm] = alarms;
  if (alarm) warnOfSilentTopics(batchdrop, alarm, [alarmAction, pageAction, ticketAction]);
  if (tier === 'full') new BatchdropDashboard(batchdrop, 'Dashboard', { instance, stages, alarms });
  return alarms;
}

function present<T>(...each: (T | undefined)[]): T[] {
  return each.filter((one) => one !== undefined);
}
