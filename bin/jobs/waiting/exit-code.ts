/** The exit codes of a command that waited for jobs: the one place of this decision. */
import type { Job } from '../../../functions/shared/domain/job.ts';
import { hasEnded } from '../follow-job.ts';
import { areTooMany, type MaxFailed } from './failed-rows.ts';

/** Exit codes, besides 0 and those of every command. */
export const EXIT_CODE = {
  /** No row succeeded, or nothing was sent: the file was rejected, or its job was cancelled. */
  nothing: 1,
  /** More rows failed than `--max-failed` allows. */
  tooMany: 3,
  /** It has not ended after `--timeout`. */
  timeout: 4,
  /** Ctrl-C: 128 + SIGINT, as shells have it. */
  stopped: 130,
} as const;

const WORST_FIRST = [EXIT_CODE.nothing, EXIT_CODE.tooMany, EXIT_CODE.timeout];

/** Returns the exit code for one job. `job`: as it was seen last; undefined if it was never seen. */
export function exitCodeOf(job: Job | undefined, maxFailed: MaxFailed): number {
  if (job === undefined || !hasEnded(job)) return EXIT_CODE.timeout;
  const { rows } = job;
  if (!rows || rows.succeeded === 0) return EXIT_CODE.nothing;
  return areTooMany(rows, maxFailed) ? EXIT_CODE.tooMany : 0;
}

/** Returns the worst exit code: 1 before 3, and 3 before 4. */
export function worstOf(codes: readonly number[]): number {
  return WORST_FIRST.find((code) => codes.includes(code)) ?? 0;
}
