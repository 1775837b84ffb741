import type { JobSummary } from '../../../functions/shared/domain/job-summary.ts';

/** How far a running job is: the rows that the API has processed. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

const ENOUGH = 0.05; // of the rows: before that, the pace says little
const MEASURED_JOBS = 20;

/**
 * Returns when a running job is expected to end, in milliseconds: at the pace of its rows so far, or else after the
 * median duration of the newest jobs. Undefined if nothing is known, or if the time has passed. `durations`: those of
 * `durationsOf`.
 */
export function expectedEnd(
  job: Pick<JobSummary, 'history'>,
  { done, total }: Progress,
  { now, durations }: { readonly now: number; readonly durations: readonly number[] },
): number | undefined {
  const submitted = job.history.find(({ status }) => status === 'submitted');
  if (submitted === undefined || total === 0) return undefined;
  const share = done / total;
  const median = [...durations].sort((a, b) => a - b)[Math.floor(durations.length / 2)];
  const duration = share >= ENOUGH ? (now - submitted.at) / share : median;
  if (duration === undefined) return undefined;
  const end = submitted.at + duration;
  return end > now ? Math.round(end) : undefined;
}

/** Returns how long the newest completed jobs took from their first batch to their end, in milliseconds. */
export function durationsOf(jobs: readonly Pick<JobSummary, 'status' | 'history' | 'changedAt'>[]): number[] {
  const durations = jobs.flatMap(({ status, history, changedAt }) => {
    const submitted = history.find((change) => change.status === 'submitted');
    return status === 'completed' && submitted ? [changedAt - submitted.at] : [];
  });
  return durations.slice(0, MEASURED_JOBS);
}
