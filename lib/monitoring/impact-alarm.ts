import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { ALARM_RANKS, type AlarmId } from './alarm-ranks.ts';
import { runbookUrl } from './runbook.ts';

export interface ImpactAlarmProps {
  /** The name of the Batchdrop, with which the name of the alarm begins. */
  instance: string;
  /** Who is affected and how. It becomes the description of the alarm. */
  impact: string;
  metric: IMetric;
  /** The alarm goes off at this value and above; with `silence`, below it. */
  threshold: number;
  /** How many of the last `of` periods must breach. Default: 1 of 1. */
  periods?: { breaching: number; of: number };
  /** The alarm detects that something has stopped happening, so missing data counts as breaching. */
  silence?: boolean;
  /** What the alarm triggers. */
  actions: readonly IAlarmAction[];
}

/** An alarm whose description says who is affected and how, how urgent it is, and where its section of the runbook is. */
export class ImpactAlarm extends Alarm {
  constructor(scope: Construct, id: AlarmId, props: ImpactAlarmProps) {
    super(scope, id, {
      // Not CloudFormation's name, because the name is the subject of a mail.
      alarmName: `${props.instance}-${id}`,
      alarmDescription: `${props.impact}. Severity: ${ALARM_RANKS[id].severity}. Runbook: ${runbookUrl(id)}`,
      metric: props.metric,
      threshold: props.threshold,
      evaluationPeriods: props.periods?.of ?? 1,
      datapointsToAlarm: props.periods?.breaching ?? 1,
      comparisonOperator: props.silence
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: props.silence ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    if (props.actions.length > 0) this.addAlarmAction(...props.actions);
  }
}
