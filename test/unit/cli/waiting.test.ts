import { describe, expect, it } from 'vitest';
import { exitCodeOf, worstOf } from '../../../bin/jobs/waiting/exit-code.ts';
import { expectedDuration } from '../../../bin/jobs/waiting/expected-duration.ts';
import { areTooMany, parseMaxFailed } from '../../../bin/jobs/waiting/failed-rows.ts';
import { ageShown, durationShown } from '../../../bin/terminal/amounts.ts';
import type { JobSummary } from '../../../functions/shared/domain/job-summary.ts';
import { aJob, NOON } from '../../contracts/samples.ts';

const counts = (total: number, succeeded: number) => ({
  ...{ total, succeeded, failed: total - succeeded },
  ...{ expired: 0, cancelled: 0, missing: 0 },
});

const ended = (
  total: number,
  succeeded: number,
  status: 'completed' | 'expired' | 'cancelled' = 'completed',
) => aJob({ status, rows: counts(total, succeeded) });

describe('the exit code of a wait', () => {
  it.each([
    ['all rows succeeded', ended(10, 10), '0', 0],
    ['one row failed', ended(10, 9), '0', 3],
    ['as many failed as allowed', ended(10, 9), '1', 0],
    ['rows did not run in time', ended(10, 9, 'expired'), '0', 3],
    ['no row succeeded, whatever is allowed', ended(10, 0), '100%', 1],
    ['the file was rejected', aJob({ status: 'rejected', findings: { count: 1, first: [] } }), '100%', 1],
    ['it was cancelled before anything ran', ended(3, 0, 'cancelled'), '0', 1],
    ['it runs', aJob({ status: 'accepted' }), '100%', 4],
    ['it was never seen', undefined, '100%', 4],
    ['its last event is not published', { ...ended(1, 1), rev: 3, publishedRev: 2 }, '0', 4],
  ])('if %s', (_, job, maxFailed, code) => {
    expect(exitCodeOf(job, parseMaxFailed(maxFailed))).toBe(code);
  });

  it('of several jobs is the worst: 1, then 3, then 4', () => {
    expect(worstOf([0, 4, 3, 1])).toBe(1);
    expect(worstOf([0, 4, 3])).toBe(3);
    expect(worstOf([4, 0])).toBe(4);
    expect(worstOf([0, 0])).toBe(0);
  });
});

describe('--max-failed', () => {
  it.each([
    ['0', 1, true],
    ['5', 5, false],
    ['0.5%', 5, false],
    ['0.5%', 6, true],
    ['100%', 1_000, false],
  ])('%s of 1,000 rows with %i that failed', (value, failed, isTooMany) => {
    expect(areTooMany(counts(1_000, 1_000 - failed), parseMaxFailed(value))).toBe(isTooMany);
  });

  it.each(['', '-1', '1.5', '101%', '%', '1 %', 'many'])('refuses "%s"', (value) => {
    expect(() => parseMaxFailed(value)).toThrow(/Give a number of rows such as 5, or a share/);
  });
});

describe('the expected duration of a job', () => {
  const MINUTE = 60_000;
  const took = (minutes: number, plannedRows: number, more: Partial<JobSummary> = {}): JobSummary => ({
    ...{ jobId: 'j', status: 'completed', published: true, plannedRows, createdAt: NOON, history: [] },
    ...{
      requestFile: { bucket: 'b', key: 'k', versionId: 'v', size: 1 },
      changedAt: NOON + minutes * MINUTE,
    },
    ...more,
  });

  it('is the median of those of about its size, and what nine of ten took at most', () => {
    const jobs = [...Array.from({ length: 10 }, (_, at) => took(at + 1, 100)), took(600, 10_000), took(1, 2)];
    expect(expectedDuration(jobs, 100)).toEqual({ likely: 5 * MINUTE, slow: 9 * MINUTE, jobs: 10 });
    expect(expectedDuration(jobs, 400)).toMatchObject({ jobs: 10 });
    expect(expectedDuration(jobs, 401)).toBeUndefined();
  });

  it('counts only completed jobs, and not the time for which they were held', () => {
    const history = [
      { status: 'unapproved', at: NOON + MINUTE },
      { status: 'accepted', at: NOON + 50 * MINUTE },
    ] as const;
    const jobs = [took(60, 10, { history: [...history] }), took(1, 10, { status: 'cancelled' })];
    expect(expectedDuration(jobs, 10)).toEqual({ likely: 10 * MINUTE, slow: 10 * MINUTE, jobs: 1 });
  });
});

it.each([
  [0, '0 s', '0s'],
  [89_000, '89 s', '89s'],
  [12 * 60_000, '12 min', '12m'],
  [3 * 3_600_000, '3 h', '3h'],
  [72 * 3_600_000, '3 d', '3d'],
  [-5, '0 s', '0s'],
])('%i ms are %s, and %s in a table', (milliseconds, duration, age) => {
  expect([durationShown(milliseconds), ageShown(milliseconds)]).toEqual([duration, age]);
});
