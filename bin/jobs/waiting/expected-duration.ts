/** How long a job will take, from how long jobs of about its size took. */
import type { JobSummary } from '../../../functions/shared/domain/job-summary.ts';
import type { Connection } from '../../connection/connection.ts';
import { placeTime } from '../../connection/server-time.ts';
import { counted, durationShown } from '../../terminal/amounts.ts';

/** In milliseconds. */
export interface ExpectedDuration {
  /** Half of the jobs took no longer. */
  readonly likely: number;
  /** Nine of ten took no longer. */
  readonly slow: number;
  /** How many jobs were measured. */
  readonly jobs: number;
}

const MEASURED_JOBS = 50;
const ABOUT = 4; // a job of up to four times as many rows, or a quarter, counts as of the same size

/**
 * Returns how long a job of that many rows takes, from its file to its results. `ended`: jobs of which the completed ones are
 * measured; a time in which one was held does not count. Undefined if none of them is of about this size.
 */
export function expectedDuration(ended: readonly JobSummary[], rows: number): ExpectedDuration | undefined {
  const durations = ended
    .filter(({ status, plannedRows = 0 }) => status === 'completed' && isAbout(plannedRows, rows))
    .flatMap((job) => durationOf(job) ?? [])
    .sort((a, b) => a - b);
  const likely = durations[Math.ceil(durations.length / 2) - 1];
  const slow = durations[Math.ceil(durations.length * 0.9) - 1];
  if (likely === undefined || slow === undefined) return undefined;
  return { likely, slow, jobs: durations.length };
}

/**
 * Returns a function that says how long a job of that many rows usually takes, from the newest jobs: one line, or none. Without the
 * rights to list jobs, it says nothing.
 */
export async function expectedDurations(connection: Connection): Promise<(rows: number) => string[]> {
  try {
    const [{ isSimulated }, { jobs }] = await Promise.all([
      placeTime(connection),
      connection.queries.listJobs({ limit: MEASURED_JOBS }),
    ]);
    return (rows) => {
      const expected = expectedDuration(jobs, rows);
      return expected ? [durationText(expected, isSimulated)] : [];
    };
  } catch {
    return () => [];
  }
}

/** Returns the duration as a line: `usually done in 7 min, 9 of 10 within 12 min (9 jobs of about this size)`. */
function durationText({ likely, slow, jobs }: ExpectedDuration, isSimulated: boolean): string {
  const range = slow > likely ? `, 9 of 10 within ${durationShown(slow)}` : '';
  const time = isSimulated ? ' of simulated time' : '';
  return `usually done in ${durationShown(likely)}${range}${time} (${counted(jobs, 'job', 'jobs')} of about this size)`;
}

function isAbout(rows: number, expected: number): boolean {
  return rows > 0 && rows <= expected * ABOUT && rows >= expected / ABOUT;
}

function durationOf(job: JobSummary): number | undefined {
  const begun = begunAt(job);
  return begun === undefined ? undefined : job.changedAt - begun;
}

/** Returns when the duration of a job begins, in milliseconds: for one that was held, when it was approved. */
export function begunAt({
  createdAt,
  history,
}: Pick<JobSummary, 'createdAt' | 'history'>): number | undefined {
  const held = history.find(({ status }) => status === 'unapproved');
  return held ? history.find(({ status }) => status === 'accepted')?.at : createdAt;
}
