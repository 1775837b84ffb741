import { excerptOf, type Reason, type RowCounts, type TokenUsage } from '../../shared/contract/events.ts';
import { inStatus, type Job } from '../../shared/domain/job.ts';
import type { Part } from '../../shared/domain/part.ts';
import { batchesOf, endOfPart } from '../../shared/domain/part-end.ts';
import { without } from '../../shared/lifecycle/compare-and-set.ts';
import { isoTime } from '../../shared/lifecycle/status-events.ts';

/**
 * The job with its last status: cancelled if a cancel took effect, else failed if no batch ran, else expired if rows are,
 * else completed.
 */
export function endedJob(job: Job, parts: Part[], now: number): Job {
  const rows = sumRows(parts);
  const ends = parts.map(endOfPart);
  const ran =
    ends.some((end) => end !== 'failed' && end !== 'lost') || parts.some((part) => part.ran.length > 0);
  let status: 'cancelled' | 'failed' | 'expired' | 'completed' = 'completed';
  if (ends.includes('cancelled') || parts.some(({ delivered }) => delivered?.notRunAgain))
    status = 'cancelled';
  else if (!ran) status = 'failed';
  else if (rows.expired > 0) status = 'expired';
  const batches = parts.flatMap(batchesOf).map(({ batchId, status: end }) => ({ batchId, status: end }));
  const usage = sumUsage(parts);
  return {
    ...inStatus(without(job, 'backoffUntil', 'dispatchedUntil', 'assembly') as Job, status, now),
    tries: 0,
    rows,
    ...(usage ? { usage } : {}),
    batches: excerptOf(batches),
    ...(status === 'failed' ? { reason: reasonOf(parts) } : {}),
    ...(status === 'cancelled'
      ? { reason: { code: 'cancelled', message: `cancelled ${cancelRequestTime(job, parts)}` } }
      : {}),
  };
}

function cancelRequestTime(job: Job, parts: Part[]): string {
  const at = job.cancelRequestedAt ?? parts.find((part) => part.cancelRequestedAt)?.cancelRequestedAt;
  return at === undefined ? 'at the API' : `on a request of ${isoTime(at)}`;
}

function reasonOf(parts: Part[]): Reason {
  for (const { ended, batch } of parts) {
    if (ended) return ended.reason;
    const [error] = batch?.errors ?? [];
    if (error) return { code: error.code ?? 'failed', message: error.message ?? 'the batch failed' };
  }
  return { code: 'failed', message: 'no batch ran' };
}

function sumRows(parts: Part[]): RowCounts {
  const sum = { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };
  for (const { delivered } of parts) {
    for (const name of Object.keys(sum) as (keyof RowCounts)[]) sum[name] += delivered?.rows[name] ?? 0;
  }
  return sum;
}

function sumUsage(parts: Part[]): TokenUsage | undefined {
  const usages = parts.flatMap(batchesOf).flatMap(({ usage }) => (usage ? [usage] : []));
  if (usages.length === 0) return undefined;
  const sum = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0, totalTokens: 0 };
  for (const usage of usages) {
    for (const name of Object.keys(sum) as (keyof TokenUsage)[]) sum[name] += usage[name];
  }
  return sum;
}
