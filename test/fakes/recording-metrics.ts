import type { MetricName } from '../../functions/shared/contract/metrics.ts';
import type { Metrics } from '../../functions/shared/ports/ports.ts';

/** Metrics whose values tests can read. */
export interface RecordingMetrics extends Metrics {
  /** Returns every value of one metric, in order. */
  of(name: MetricName): readonly number[];
  /** Returns the names of the metrics that have values. */
  names(): readonly MetricName[];
}

/** Keeps every value. */
export function createRecordingMetrics(): RecordingMetrics {
  const values = new Map<MetricName, number[]>();
  return {
    record(name, value) {
      const list = values.get(name);
      if (list) list.push(value);
      else values.set(name, [value]);
    },
    of: (name) => values.get(name) ?? [],
    names: () => [...values.keys()],
  };
}
