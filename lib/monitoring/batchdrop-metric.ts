import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS_NAMESPACE, type MetricName } from '../../functions/shared/contract/metrics.ts';

/** Returns a metric that the functions of one Batchdrop report, by default as a sum over five minutes. */
export function batchdropMetric(
  instance: string,
  metricName: MetricName,
  options: MetricOptions = {},
): Metric {
  return new Metric({
    statistic: 'Sum',
    ...options,
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { service: instance },
  });
}
