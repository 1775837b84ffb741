import { isoTime } from '../../shared/lifecycle/status-events.ts';
import type { JobWithResults } from './job-end.ts';

/**
 * Returns the line that tells what an ended job cost, for reports over many jobs. Fields are only ever added: tables are
 * defined over it (docs/costs.md).
 */
export function costText(job: JobWithResults, instance: string): string {
  const { jobId, status, request, rows, cost } = job;
  const { bucket, key, versionId, metadata } = request;
  const record = {
    jobId,
    instance,
    status,
    requestFile: { bucket, key, versionId },
    metadata,
    receivedAt: isoTime(job.createdAt),
    endedAt: isoTime(job.changedAt),
    rows,
    ...cost,
  };
  return `${JSON.stringify(record)}\n`;
}
