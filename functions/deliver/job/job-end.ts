import { excerptOf, type Reason, type RowCounts, type TokenUsage } from '../../shared/contract/events.ts';
import { type EndedJob, type JobIn, nextStatus, supersededReason } from '../../shared/domain/job.ts';
import { together } from '../../shared/domain/money/billed.ts';
import { jobCost } from '../../shared/domain/money/job-cost.ts';
import type { PriceList } from '../../shared/domain/money/price-list.ts';
import { batchesOf, endOfPart } from '../../shared/domain/part-end.ts';
import type { WholePart } from '../../shared/domain/spending/past-attempts.ts';
import { without, withoutBackoff } from '../../shared/domain/without.ts';
import type { DeliveredPart } from '../../shared/lifecycle/check-parts.ts';
import { isoTime } from '../../shared/lifecycle/status-events.ts';
import { CommonestError } from '../part/commonest-error.ts';

/** A job whose results are stored. */
export type JobWithResults = Extract<EndedJob, { rows: RowCounts }>;

/**
 * Returns the job with its last status: cancelled if a cancel took effect, otherwise failed if no batch ran, otherwise
 * expired if any row expired, otherwise completed.
 */
export function endedJob(
  job: JobIn<'accepted' | 'submitted'>,
  parts: readonly WholePart<DeliveredPart>[],
  { now, prices }: { now: number; prices: Pick<PriceList, 'at'> },
): JobWithResults {
  const rows = sumRows(parts);
  const status = lastStatus(parts, rows);
  const batches = parts.flatMap(batchesOf).map(({ batchId, status: end }) => ({ batchId, status: end }));
  const usage = sumUsage(parts);
  const rest = without(
    withoutBackoff(job),
    'assembly',
    'endingAt',
    'flatProgress',
    'onlyPart',
    'openPart',
    'partsDispatched',
    'waiting',
  );
  return {
    ...rest,
    ...nextStatus(job, status, now),
    rows,
    ...(usage ? { usage } : {}),
    cost: jobCost(together(parts.map(({ delivered }) => delivered)), prices.at(job.createdAt)),
    batches: excerptOf(batches),
    ...sumRefused(parts),
    ...(status === 'failed' ? { reason: reasonOf(parts) } : {}),
    ...(status === 'completed' && rows.succeeded === 0 ? commonestReason(parts, rows.total) : {}),
    ...(status === 'cancelled' ? { reason: cancelReason(job, parts) } : {}),
  };
}

function lastStatus(parts: readonly WholePart<DeliveredPart>[], rows: RowCounts): JobWithResults['status'] {
  const ends = parts.map(endOfPart);
  const hasRun =
    ends.some((end) => end !== 'failed' && end !== 'lost') || parts.some(({ ran }) => ran.length > 0);
  if (ends.includes('cancelled') || parts.some(({ delivered }) => delivered.notRunAgain)) return 'cancelled';
  if (!hasRun) return 'failed';
  return rows.expired > 0 ? 'expired' : 'completed';
}

function cancelReason(job: JobIn<'accepted' | 'submitted'>, parts: readonly DeliveredPart[]): Reason {
  if (job.supersededBy !== undefined) return supersededReason(job.supersededBy);
  return { code: 'cancelled', message: `cancelled ${cancelRequestTime(parts)}` };
}

/** Parts have only requests that came before their end. That of the job may have come later, without an effect. */
function cancelRequestTime(parts: readonly DeliveredPart[]): string {
  const times = parts.flatMap(({ cancelRequestedAt = [] }) => cancelRequestedAt);
  return times.length === 0 ? 'at the API' : `on a request of ${isoTime(Math.min(...times))}`;
}

function reasonOf(parts: readonly DeliveredPart[]): Reason {
  for (const { ended, batch } of parts) {
    if (ended) return ended.reason;
    const [error] = batch?.errors ?? [];
    if (error) return { code: error.code ?? 'failed', message: error.message ?? 'the batch failed' };
  }
  return { code: 'failed', message: 'no batch ran' };
}

/** Returns the most frequent error of a job without a successful row, and how many rows have it. */
function commonestReason(parts: readonly DeliveredPart[], total: number): { reason?: Reason } {
  const errors = new CommonestError();
  for (const { delivered } of parts)
    if (delivered.commonestError) errors.add(delivered.commonestError, delivered.commonestError.rows);
  const { commonest } = errors;
  if (!commonest) return {};
  const message = `no row succeeded; ${commonest.rows} of ${total} rows: ${commonest.message}`;
  return { reason: { code: commonest.code, message } };
}

function sumRows(parts: readonly DeliveredPart[]): RowCounts {
  const sum = { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };
  for (const { delivered } of parts) {
    for (const name of Object.keys(sum) as (keyof RowCounts)[]) sum[name] += delivered.rows[name];
  }
  return sum;
}

/** Returns no count if a part was delivered by a version that did not count refused rows. */
function sumRefused(parts: readonly DeliveredPart[]): { refusedRows?: number } {
  let refusedRows = 0;
  for (const { delivered } of parts) {
    if (delivered.refused === undefined) return {};
    refusedRows += delivered.refused;
  }
  return { refusedRows };
}

function sumUsage(parts: readonly WholePart<DeliveredPart>[]): TokenUsage | undefined {
  const usages = parts.flatMap(batchesOf).flatMap(({ usage }) => (usage ? [usage] : []));
  if (usages.length === 0) return undefined;
  const sum = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0, totalTokens: 0 };
  for (const usage of usages) {
    for (const name of Object.keys(sum) as (keyof TokenUsage)[]) sum[name] += usage[name];
  }
  return sum;
}
