import { METRIC_UNITS, METRICS_NAMESPACE, type MetricName } from '../../contract/metrics.ts';
import type { Metrics } from '../../ports/ports.ts';

/**
 * Writes metrics as log lines that CloudWatch reads (Embedded Metric Format): without calls, permissions or waiting.
 */
export interface EmfMetrics extends Metrics {
  /** Runs the work of one invocation. Then writes one line with the metrics that it recorded, even if it failed. */
  during<T>(work: () => Promise<T>): Promise<T>;
}

const MAX_VALUES = 100; // per metric and line; CloudWatch ignores a line with more

/** `service`: the value of the only dimension. */
export function createEmfMetrics({ service }: { service: string }): EmfMetrics {
  const recorded = new Map<MetricName, number[]>();
  const write = (): void => {
    if (recorded.size === 0) return;
    process.stdout.write(`${JSON.stringify(lineOf(service, recorded))}\n`);
    recorded.clear();
  };
  return {
    record(name, value) {
      const values = recorded.get(name) ?? [];
      recorded.set(name, values);
      values.push(value);
      if (values.length === MAX_VALUES) write();
    },
    async during(work) {
      try {
        return await work();
      } finally {
        write();
      }
    },
  };
}

/** [Format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html) */
function lineOf(service: string, recorded: ReadonlyMap<MetricName, readonly number[]>): object {
  const names = [...recorded.keys()];
  const Metrics = names.map((name) => ({ Name: name, Unit: METRIC_UNITS[name] }));
  const CloudWatchMetrics = [{ Namespace: METRICS_NAMESPACE, Dimensions: [['service']], Metrics }];
  const values = [...recorded].map(([name, all]) => [name, all.length === 1 ? all[0] : all] as const);
  return { _aws: { Timestamp: Date.now(), CloudWatchMetrics }, service, ...Object.fromEntries(values) };
}
