import type { JobRow, Money, MoneyRange } from '../../../console/api.ts';
import type { JobEstimate, WaitingFor } from '../../../functions/shared/contract/events.ts';
import { isLastStatus } from '../../../functions/shared/domain/job.ts';
import type { JobSummary } from '../../../functions/shared/domain/job-summary.ts';
import { isoTime } from '../../../functions/shared/lifecycle/status-events.ts';
import type { LedgerQueries } from '../../../functions/shared/ports/ports.ts';
import { expectedEnd, type Progress } from './expected-end.ts';

/** What the index of jobs does not know of open jobs, by job id. */
export interface OpenFacts {
  readonly waitingFor: ReadonlyMap<string, WaitingFor>;
  readonly stalled: ReadonlySet<string>;
}

/** What a row needs besides the job. */
interface RowFacts extends OpenFacts {
  readonly progress: ReadonlyMap<string, Progress>;
  readonly newest: readonly JobSummary[];
  /** In milliseconds. */
  readonly now: number;
}

/** Reads what open jobs wait for, and which are stalled: three queries of one index. */
export async function readOpenFacts(queries: LedgerQueries): Promise<OpenFacts> {
  const [waiting, delayed, stalled] = await Promise.all([
    queries.waitingParts(),
    queries.listDelayed(),
    queries.listStalled(),
  ]);
  const reasons = [
    ...waiting.map(({ jobId, waiting: { for: reason } }) => ({ jobId, reason })),
    ...delayed.map(({ jobId, for: reason }) => ({ jobId, reason })),
  ];
  return {
    waitingFor: new Map(reasons.reverse().map(({ jobId, reason }) => [jobId, reason])), // the first one of a job wins
    stalled: new Set(stalled.map(({ jobId }) => jobId)),
  };
}

/** Returns a job as a row of the table. */
export function jobRow(job: JobSummary, facts: RowFacts): JobRow {
  const { jobId, status, requestFile, plannedRows, rows, cost, estimate, findings, joinedJobId, retryOf } =
    job;
  const ended = isLastStatus(status);
  const waitingFor = ended ? undefined : facts.waitingFor.get(jobId);
  const reason = job.reason ?? job.hold?.reason;
  return {
    jobId,
    status,
    ended,
    file: requestFile.key,
    size: requestFile.size,
    createdAt: isoTime(job.createdAt),
    changedAt: isoTime(job.changedAt),
    ...(plannedRows !== undefined && { plannedRows }),
    ...(rows && { rows }),
    ...(!ended && progressOf(job, facts)),
    ...(cost && { cost: moneyOf(cost.currency, cost.paid) }),
    ...(estimate && { estimate: rangeOf(estimate) }),
    ...(waitingFor !== undefined && { waitingFor }),
    ...(reason && { reason }),
    stalled: !ended && facts.stalled.has(jobId),
    ...(findings !== undefined && { findings }),
    ...(joinedJobId !== undefined && { joinedJobId }),
    ...(retryOf !== undefined && { retryOf }),
  };
}

function progressOf(job: JobSummary, facts: RowFacts): Pick<JobRow, 'progress' | 'expectedEnd'> {
  const progress = facts.progress.get(job.jobId);
  if (!progress || progress.total === 0) return {};
  const end = expectedEnd(job, progress, facts);
  return {
    progress: Math.min(1, progress.done / progress.total),
    ...(end !== undefined && { expectedEnd: isoTime(end) }),
  };
}

/** `decimal`: as the ledger has it; null if the price is not known. */
export function moneyOf(currency: string, decimal: string | null): Money {
  return { currency, amount: decimal === null ? null : Number(decimal) };
}

export function rangeOf({ currency, cost }: Pick<JobEstimate, 'currency' | 'cost'>): MoneyRange {
  const number = (decimal: string | null | undefined) => (decimal == null ? null : Number(decimal));
  return { currency, low: number(cost?.low), likely: number(cost?.likely), high: number(cost?.high) };
}
