/**
 * Which numbers follow from what happened, for whoever watches. A status change is counted by the one who noted its
 * publication, so once, however often it is published.
 *
 * Known gaps: a function that dies before it ends takes its numbers with it; a change whose noting seemed to fail, but was
 * stored, is not counted. The ledger has the truth, the numbers are for graphs and alarms.
 */
import { hasEnded } from '../contract/batch-status.ts';
import type { RowCounts } from '../contract/events.ts';
import { JOB_METRIC, type MetricName } from '../contract/metrics.ts';
import type { Job } from '../domain/job.ts';
import type { ObservedBatch, Part } from '../domain/part.ts';
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

/** A job's status change was published. */
export function recordJob(metrics: Metrics, job: Job): void {
  const { status } = job;
  const { rows } = job;
  if (status !== 'received') metrics.record(JOB_METRIC[status], 1);
  for (const [outcome, name] of Object.entries(ROW_METRIC) as [keyof typeof ROW_METRIC, MetricName][]) {
    const count = rows?.[outcome] ?? 0;
    if (count > 0) metrics.record(name, count);
  }
}

/** A batch's status change was published: the part as it was then. */
export function recordBatch(metrics: Metrics, { batch, rev }: Part, now: number): void {
  if (!batch) return;
  if (rev === 1) metrics.record('BatchesCreated', 1);
  if (!hasEnded(batch.status)) return;
  // By the API's clock, of whole seconds: its end may seem to lie ahead.
  if (batch.endedAt !== undefined) metrics.record('DetectionLatency', seconds(now - batch.endedAt));
  if (!batch.usage) return;
  metrics.record('InputTokens', batch.usage.inputTokens);
  metrics.record('OutputTokens', batch.usage.outputTokens);
}

type SeenBatch = Pick<ObservedBatch, 'batchId' | 'createdAt' | 'status'>;

/** The open batches that one tick comes across. A tick that is cut short has seen some only: then both are lower bounds. */
export class OpenBatches {
  readonly #seen = new Map<string, SeenBatch>();

  /** Once more when its status has changed meanwhile. */
  add({ batchId, createdAt, status }: SeenBatch): void {
    this.#seen.set(batchId, { batchId, createdAt, status });
  }

  /** Statuses that no open batch is in are left out: every metric that is reported costs. */
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
