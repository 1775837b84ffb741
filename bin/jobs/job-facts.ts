import type { Job } from '../../functions/shared/domain/job.ts';
import { type JobSummary, summaryOf } from '../../functions/shared/domain/job-summary.ts';

/** Returns a job as JSON output for programs. */
export function jobFacts(job: Job): object {
  const estimate = job.plan?.estimate;
  return {
    ...summaryFacts(summaryOf(job)),
    ...(estimate && { estimate }),
    ...(job.findings && { findings: job.findings }),
  };
}

/**
 * Returns a job of a list as JSON output: the same fields, except that findings are only counted, and that the estimate is only
 * its cost.
 */
export function summaryFacts(job: JobSummary): object {
  const { jobId, status, requestFile, plannedRows, plannedParts, rows, usage, cost, joinedJobId, reason } =
    job;
  const { hold, approvedAt } = job;
  return {
    jobId,
    status,
    requestFile,
    createdAt: isoTime(job.createdAt),
    changedAt: isoTime(job.changedAt),
    history: job.history.map((change) => ({ status: change.status, at: isoTime(change.at) })),
    ...(plannedRows !== undefined && { plannedRows, plannedParts }),
    ...(job.estimate && { estimate: job.estimate }),
    ...(rows && { rows }),
    ...(usage && { usage }),
    ...(cost && { cost }),
    ...(joinedJobId !== undefined && { joinedJobId }),
    ...(job.retryOf !== undefined && { retryOf: job.retryOf }),
    ...(job.findings !== undefined && { findings: { count: job.findings } }),
    ...(reason && { reason }),
    ...(hold && { hold: { reason: hold.reason, until: isoTime(hold.until) } }),
    ...(approvedAt !== undefined && { approvedAt: isoTime(approvedAt) }),
    ...(job.lastCancel && { lastCancel: { ...job.lastCancel, at: isoTime(job.lastCancel.at) } }),
  };
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
