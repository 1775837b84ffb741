/**
 * Plays a metric through an alarm of a template by CloudWatch's rules: M out of N periods, and the treatment of missing
 * data.
 */

/** A value that is reported at a time, in seconds. */
export interface Reported {
  at: number;
  value: number;
}

/** The properties of an alarm that decide its state. */
export interface AlarmRule {
  Period: number;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  Statistic: string;
  Threshold: number;
  ComparisonOperator: string;
  TreatMissingData: string;
}

/**
 * Returns whether the alarm is on after each period, from the start to `until`, in seconds. If some of the N periods
 * have no data, CloudWatch also considers earlier periods. Their data counts only if all other periods are missing,
 * which these alarms treat as breaching or not breaching
 * ([source](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html)).
 */
export function play(rule: AlarmRule, reported: readonly Reported[], until: number): boolean[] {
  const { Period: period, EvaluationPeriods: of, DatapointsToAlarm: needed = of } = rule;
  const periods = Math.floor(until / period);
  const byPeriod = Map.groupBy(reported, ({ at }) => Math.floor(at / period));
  const breaches = Array.from({ length: periods }, (_, index) => {
    const values = byPeriod.get(index)?.map(({ value }) => value);
    return values === undefined
      ? rule.TreatMissingData === 'breaching'
      : isBreaching(rule, aggregated(rule, values));
  });
  return breaches.map((_, index) => {
    const last = breaches.slice(Math.max(0, index + 1 - of), index + 1);
    return last.filter(Boolean).length >= needed;
  });
}

function aggregated({ Statistic }: AlarmRule, values: readonly number[]): number {
  if (Statistic === 'Sum') return values.reduce((sum, value) => sum + value, 0);
  if (Statistic === 'Maximum') return Math.max(...values);
  throw new Error(`the statistic ${Statistic} is not known`);
}

function isBreaching({ ComparisonOperator, Threshold }: AlarmRule, value: number): boolean {
  if (ComparisonOperator === 'GreaterThanOrEqualToThreshold') return value >= Threshold;
  if (ComparisonOperator === 'LessThanThreshold') return value < Threshold;
  throw new Error(`the comparison ${ComparisonOperator} is not known`);
}
