/**
 * Derives the metrics for dashboards and alarms. Only the invocation that stores the publication of a status change
 * counts it, so each change counts once, however often it is published.
 *
 * Known gaps: an invocation that crashes loses its metrics. A publication is not counted if its write seemed to fail
 * but was stored. The ledger is the source of truth.
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

/** Records the metrics of a batch's published status change. The part must be as it was at that change. */
export function recordBatch(metrics: Metrics, { batch, rev }: Part, now: number): void {
  if (!batch) return;
  if (rev === 1) metrics.record('BatchesCreated', 1);
  if (!hasEnded(batch.status)) return;
  // The end time comes from the API's clock, in whole seconds, and may be later than our time.
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

/** Records who found the end of a batch, and how long after it. Only a Batchdrop with webhooks calls this. */
export function recordEnd(metrics: Metrics, by: FoundBy, { endedAt }: ObservedBatch, now: number): void {
  metrics.record(END_METRICS[by].ends, 1);
  if (endedAt !== undefined) metrics.record(END_METRICS[by].latency, seconds(now - endedAt));
}

type SeenBatch = Pick<KnownBatch, 'batchId' | 'createdAt' | 'status'>;

/**
 * Counts the open batches that one tick observes. If a tick runs out of time, it observes only some, so the counts are
 * lower bounds.
 */
export class OpenBatches {
  readonly #seen = new Map<string, SeenBatch>();

  /** Adds a batch, or its new status. */
  add({ batchId, createdAt, status }: SeenBatch): void {
    this.#seen.set(batchId, { batchId, createdAt, status });
  }

  /** Records the metrics. Counts of zero are omitted, because every recorded metric costs money. */
  record(metrics: Metrics, now: number): void {
    if (this.#seen.size === 0) return;
    metrics.record('OpenBatches', this.#seen.size);
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
