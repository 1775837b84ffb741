import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';

/** Where every alarm has a section of its id. */
const RUNBOOK = 'docs/operations.md';

export interface ImpactAlarmProps {
  /** Whom it hurts, and how: the alarm's description. */
  impact: string;
  metric: IMetric;
  /** It alarms at this value and above, or, with `silence`, below it. */
  threshold: number;
  /** Periods that have to be bad, one after the other. */
  periods?: number;
  /** The alarm is about something that ought to happen and does not: no data is bad news. */
  silence?: boolean;
  /** Who is told. */
  action: IAlarmAction | undefined;
}

/** An alarm that says whom it hurts and where to read what to do. */
export class ImpactAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: ImpactAlarmProps) {
    super(scope, id, {
      alarmDescription: `${props.impact}. What to do: ${RUNBOOK}#${id.toLowerCase()}`,
      metric: props.metric,
      threshold: props.threshold,
      evaluationPeriods: props.periods ?? 1,
      comparisonOperator: props.silence
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: props.silence ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    if (props.action) this.addAlarmAction(props.action);
  }
}
