import type { Job } from '../../functions/shared/domain/job.ts';

/** What programs are told of a job: what its events tell, no more. */
export function jobFacts(job: Job): object {
  const { jobId, status, request, rows, usage, plan, reason, joinedJobId, findings, createdAt, changedAt } =
    job;
  return {
    jobId,
    status,
    requestFile: {
      bucket: request.bucket,
      key: request.key,
      versionId: request.versionId,
      size: request.size,
    },
    createdAt: new Date(createdAt).toISOString(),
    changedAt: new Date(changedAt).toISOString(),
    ...(plan && { plannedRows: plan.rows, plannedParts: plan.parts }),
    ...(rows && { rows }),
    ...(usage && { usage }),
    ...(joinedJobId !== undefined && { joinedJobId }),
    ...(findings && { findings }),
    ...(reason && { reason }),
  };
}
