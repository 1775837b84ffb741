import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';

/** The page with a section for every alarm, under the alarm's id. */
const RUNBOOK = 'docs/operations.md';

export interface ImpactAlarmProps {
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
  action: IAlarmAction | undefined;
}

/** An alarm whose description says who is affected and how, and where the runbook is. */
export class ImpactAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: ImpactAlarmProps) {
    super(scope, id, {
      alarmDescription: `${props.impact}. What to do: ${RUNBOOK}#${id.toLowerCase()}`,
      metric: props.metric,
      threshold: props.threshold,
      evaluationPeriods: props.periods?.of ?? 1,
      datapointsToAlarm: props.periods?.breaching ?? 1,
      comparisonOperator: props.silence
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: props.silence ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    if (props.action) this.addAlarmAction(props.action);
  }
}
