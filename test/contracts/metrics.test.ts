import { afterEach, expect, it, vi } from 'vitest';
import { createEmfMetrics } from '../../functions/shared/adapters/lambda/emf-metrics.ts';
import type { MetricName } from '../../functions/shared/contract/metrics.ts';
import { createRecordingMetrics } from '../fakes/recording-metrics.ts';
import { metricsContract } from './metrics.contract.ts';

afterEach(() => vi.restoreAllMocks());

/** Returns what CloudWatch reads, line by line. */
function standardOutput(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(JSON.parse(String(text))) > 0);
  return lines;
}

metricsContract('the fake', () => {
  const metrics = createRecordingMetrics();
  return {
    metrics,
    seenAfter: async (work) => {
      await work().catch(() => {});
      return (name) => metrics.of(name);
    },
  };
});

metricsContract('Embedded Metric Format', () => {
  const metrics = createEmfMetrics({ service: 'Stack.Batchdrop' });
  return {
    metrics,
    seenAfter: async (work) => {
      const lines = standardOutput();
      await metrics.during(work).catch(() => {});
      return (name) => lines.flatMap((line) => valuesIn(line, name));
    },
  };
});

function valuesIn(line: Record<string, unknown>, name: MetricName): number[] {
  const values = line[name];
  if (Array.isArray(values)) return values;
  return typeof values === 'number' ? [values] : [];
}

it('metrics are one line per invocation, with the namespace and the dimension that the alarms use', async () => {
  const lines = standardOutput();
  const metrics = createEmfMetrics({ service: 'Stack.Batchdrop' });
  await metrics.during(async () => {
    metrics.record('Ticks', 1);
    metrics.record('OldestOpenAge', 93.5);
  });
  await metrics.during(async () => 'nothing to report');
  expect(lines).toEqual([
    {
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'Batchdrop',
            Dimensions: [['service']],
            Metrics: [
              { Name: 'Ticks', Unit: 'Count' },
              { Name: 'OldestOpenAge', Unit: 'Seconds' },
            ],
          },
        ],
      },
      service: 'Stack.Batchdrop',
      Ticks: 1,
      OldestOpenAge: 93.5,
    },
  ]);
});

it('metrics return the result of the work, or throw its error', async () => {
  standardOutput();
  const metrics = createEmfMetrics({ service: 's' });
  expect(await metrics.during(async () => 7)).toBe(7);
  await expect(metrics.during(() => Promise.reject(new Error('as it was')))).rejects.toThrow('as it was');
});
