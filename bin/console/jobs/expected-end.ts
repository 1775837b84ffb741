import type { JobSummary } from '../../../functions/shared/domain/job-summary.ts';
import { begunAt, expectedDuration } from '../../jobs/waiting/expected-duration.ts';

/** How far a running job is: the rows that the API has processed. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

const ENOUGH = 0.05; // of the rows: before that, the pace says little

/**
 * Returns when a running job is expected to end, in milliseconds: at the pace of its rows so far, or else after the time that
 * jobs of about its size took. Undefined if nothing is known, or if that time has passed. `newest`: the newest jobs.
 */
export function expectedEnd(
  job: Pick<JobSummary, 'createdAt' | 'history'>,
  { done, total }: Progress,
  { now, newest }: { readonly now: number; readonly newest: readonly JobSummary[] },
): number | undefined {
  const submitted = job.history.find(({ status }) => status === 'submitted');
  if (submitted === undefined || total === 0) return undefined;
  const end =
    done / total >= ENOUGH
      ? submitted.at + ((now - submitted.at) * total) / done
      : (begunAt(job) ?? submitted.at) + (expectedDuration(newest, total)?.likely ?? Number.NaN);
  return end > now ? Math.round(end) : undefined;
}
