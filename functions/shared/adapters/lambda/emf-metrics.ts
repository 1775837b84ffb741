import { Metrics as PowertoolsMetrics } from '@aws-lambda-powertools/metrics';
import { METRIC_UNITS, METRICS_NAMESPACE } from '../../contract/metrics.ts';
import type { Metrics } from '../../ports/ports.ts';

/** Metrics as lines of log that CloudWatch reads (Embedded Metric Format): no call, no permission, no waiting. */
export interface EmfMetrics extends Metrics {
  /** Runs the work of one invocation, then writes in one line what it recorded, however it ended. */
  during<T>(work: () => Promise<T>): Promise<T>;
}

/** `service` is the value of the one dimension. */
export function createEmfMetrics(options: { service: string }): EmfMetrics {
  const stored = new PowertoolsMetrics({ namespace: METRICS_NAMESPACE, serviceName: options.service });
  return {
    record: (name, value) => void stored.addMetric(name, METRIC_UNITS[name], value),
    async during(work) {
      try {
        return await work();
      } finally {
        if (stored.hasStoredMetrics()) stored.publishStoredMetrics();
      }
    },
  };
}
