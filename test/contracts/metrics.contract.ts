import { describe, expect, it } from 'vitest';
import { METRIC_UNITS, type MetricName } from '../../functions/shared/contract/metrics.ts';
import type { Metrics } from '../../functions/shared/ports/ports.ts';

/** Metrics, and a way to read them after an invocation that does `work`. */
export interface WatchedMetrics {
  metrics: Metrics;
  seenAfter(work: () => Promise<unknown>): Promise<(name: MetricName) => readonly number[]>;
}

export function metricsContract(name: string, watched: () => WatchedMetrics): void {
  describe(`metrics: ${name}`, () => {
    it('show every value of every name', async () => {
      const { metrics, seenAfter } = watched();
      const names = Object.keys(METRIC_UNITS) as MetricName[];
      const seen = await seenAfter(async () => {
        for (const [nth, name] of names.entries()) metrics.record(name, nth);
        metrics.record('Ticks', 3);
        metrics.record('Ticks', 4.5);
      });
      for (const [nth, name] of names.entries()) expect(seen(name).slice(0, 1), name).toEqual([nth]);
      expect(seen('Ticks').slice(1)).toEqual([3, 4.5]);
    });

    it('keep a thousand values in order', async () => {
      const { metrics, seenAfter } = watched();
      const values = Array.from({ length: 1000 }, (_, nth) => nth);
      const seen = await seenAfter(async () => {
        for (const value of values) metrics.record('DetectionLatency', value);
      });
      expect(seen('DetectionLatency')).toEqual(values);
    });

    it('show nothing that was not recorded', async () => {
      const { seenAfter } = watched();
      expect((await seenAfter(async () => {}))('Ticks')).toEqual([]);
    });

    it('are shown even if the work failed', async () => {
      const { metrics, seenAfter } = watched();
      const seen = await seenAfter(async () => {
        metrics.record('KeyRefused', 1);
        throw new Error('after the value was recorded');
      });
      expect(seen('KeyRefused')).toEqual([1]);
    });
  });
}
