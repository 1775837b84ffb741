import { isLastStatus, type Job } from '../../../functions/shared/domain/job.ts';
import { isoTime } from '../../../functions/shared/lifecycle/status-events.ts';
import type { PartDetails } from './job-parts.ts';

/** Something that happened to a job, or to a batch of it. */
export interface TimelineEntry {
  /** ISO 8601. For a batch, by the API's clock. */
  readonly at: string;
  readonly of: 'job' | 'batch' | 'request';
  /**
   * `job`: its status. `batch`: `created`, or how it ended. `request`: `cancel requested`, `cancel too late` or `approved`.
   */
  readonly status: string;
  readonly batchId?: string;
  /** Whose batch it is. */
  readonly part?: number;
}

/** Returns what happened to a job and to the batches of these parts, oldest first. */
export function timelineOf(job: Job, parts: readonly PartDetails[]): TimelineEntry[] {
  const { createdAt, history, lastCancel, approvedAt } = job;
  const entries: TimelineEntry[] = [
    { at: isoTime(createdAt), of: 'job', status: 'received' },
    ...history.map(({ status, at }) => ({ at: isoTime(at), of: 'job' as const, status })),
    ...(approvedAt === undefined
      ? []
      : [{ at: isoTime(approvedAt), of: 'request' as const, status: 'approved' }]),
    ...(lastCancel
      ? [{ at: isoTime(lastCancel.at), of: 'request' as const, status: cancelText(lastCancel) }]
      : []),
    ...parts.flatMap(batchEntries),
  ];
  return entries.sort((a, b) => second(a) - second(b) || rankOf(a) - rankOf(b));
}

/** The API's times are whole seconds. Within one second, the order is that of a job's life. */
function second({ at }: TimelineEntry): number {
  return Math.floor(Date.parse(at) / 1_000);
}

function rankOf({ of, status }: TimelineEntry): number {
  if (of === 'batch') return status === 'created' ? 2 : 4;
  if (of === 'request') return 1;
  if (status === 'submitted') return 3;
  return isLastStatus(status) ? 5 : 0;
}

function cancelText({ outcome }: NonNullable<Job['lastCancel']>): string {
  return outcome === 'requested' ? 'cancel requested' : 'cancel too late';
}

function batchEntries({ number: part, batches }: PartDetails): TimelineEntry[] {
  return batches.flatMap(({ batchId, status, createdAt, endedAt }): TimelineEntry[] => [
    ...(createdAt === undefined
      ? []
      : [{ at: createdAt, of: 'batch' as const, status: 'created', batchId, part }]),
    ...(endedAt === undefined ? [] : [{ at: endedAt, of: 'batch' as const, status, batchId, part }]),
  ]);
}
