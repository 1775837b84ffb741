/**
 * Derives the metrics for dashboards and alarms. The invocation that stores the publication of a status change counts
 * it, so each change counts once, however often it is published.
 *
 * Known gaps: an invocation that dies loses its metrics. A publication whose write seemed to fail, but was stored, is
 * not counted. The ledger is the source of truth.
 */
import { hasEnded } from '../contract/batch-status.ts';
import type { RowCounts } from '../contract/events.ts';
import { JOB_METRIC, type MetricName } from '../contract/metrics.ts';
import type { Job } from '../domain/job.ts';
import type { KnownBatch, ObservedBatch, Part } from '../domain/part.ts';
import type { Metrics } from '../ports/ports.ts';

const ROW_METRIC: Readonly<Record<Exclude<keyof RowCounts, 'total'>, MetricName>> = {
  succeeded: 'RowsSucceeded',
  failed: 'RowsFailed',
  expired: 'RowsExpired',
  cancelled: 'RowsCancelled',
  missing: 'RowsMissing',
};

const OPEN_METRIC: ReadonlyMap<string, MetricName> = new Map([
  ['validating', 'OpenBatchesValidating'],
  ['in_progress', 'OpenBatchesInProgress'],
  ['finalizing', 'OpenBatchesFinalizing'],
  ['cancelling', 'OpenBatchesCancelling'],
]);

/** Records the metrics of a job's published status change. */
export function recordJob(metrics: Metrics, job: Job): void {
  const { status } = job;
  const { rows, cost } = job;
  if (status !== 'received') metrics.record(JOB_METRIC[status], 1);
  for (const [outcome, name] of Object.entries(ROW_METRIC) as [keyof typeof ROW_METRIC, MetricName][]) {
    const count = rows?.[outcome] ?? 0;
    if (count > 0) metrics.record(name, count);
  }
  if (!cost) return;
  if (cost.paid === null) metrics.record('CostUnknown', 1);
  else metrics.record('Cost', Number(cost.paid));
}

/** Records the metrics of a batch's published status change; the part is as it was at that change. */
export function recordBatch(metrics: Metrics, { batch, rev }: Part, now: number): void {
  if (!batch) return;
  if (rev === 1) metrics.record('BatchesCreated', 1);
  if (!hasEnded(batch.status)) return;
  // The end is by the API's clock, in whole seconds, and may be in our future.
  if (batch.endedAt !== undefined) metrics.record('DetectionLatency', seconds(now - batch.endedAt));
  if (!batch.usage) return;
  metrics.record('InputTokens', batch.usage.inputTokens);
  metrics.record('OutputTokens', batch.usage.outputTokens);
}

/** Who found the end of a batch. */
type FoundBy = 'webhook' | 'poll';

const END_METRICS: Readonly<Record<FoundBy, { ends: MetricName; latency: MetricName }>> = {
  webhook: { ends: 'EndsByWebhook', latency: 'WebhookLatency' },
  poll: { ends: 'EndsByPoll', latency: 'PollLatency' },
};

/** Records who found an end, and how long after it: for a Batchdrop with webhooks. */
export function recordEnd(metrics: Metrics, by: FoundBy, { endedAt }: ObservedBatch, now: number): void {
  metrics.record(END_METRICS[by].ends, 1);
  if (endedAt !== undefined) metrics.record(END_METRICS[by].latency, seconds(now - endedAt));
}

type SeenBatch = Pick<KnownBatch, 'batchId' | 'createdAt' | 'status'>;

/** Counts the open batches that one tick observes. A tick that runs out of time observes only some: lower bounds. */
export class OpenBatches {
  readonly #seen = new Map<string, SeenBatch>();

  /** Adds a batch, or its new status. */
  add({ batchId, createdAt, status }: SeenBatch): void {
    this.#seen.set(batchId, { batchId, createdAt, status });
  }

  /** Records the metrics, without the statuses that no open batch has: every recorded metric costs. */
  record(metrics: Metrics, now: number): void {
    metrics.record('OpenBatches', this.#seen.size);
    if (this.#seen.size === 0) return;
    const counts = new Map<MetricName, number>();
    let oldest = now;
    for (const { status, createdAt } of this.#seen.values()) {
      const name = OPEN_METRIC.get(status) ?? 'OpenBatchesOther';
      counts.set(name, (counts.get(name) ?? 0) + 1);
      oldest = Math.min(oldest, createdAt);
    }
    for (const [name, count] of counts) metrics.record(name, count);
    metrics.record('OldestOpenAge', seconds(now - oldest));
  }
}

function seconds(milliseconds: number): number {
  return Math.max(0, milliseconds) / 1000;
}
