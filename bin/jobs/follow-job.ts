import { setTimeout } from 'node:timers/promises';
import { isOver, type Job } from '../../functions/shared/domain/job.ts';
import type { Connection } from '../connection/connection.ts';

/** Callbacks of `followJob`. */
interface JobListener {
  /** Called for each status of the job, and for each status of a job that it joined. */
  onStatus?: (job: Job) => void;
  /**
   * Called at every check. `done`: how many of `total` rows are done, by the API's last report. It costs one query per
   * check.
   */
  onProgress?: (job: Job, rows: { done: number; total: number }) => void;
}

/**
 * Follows a job until it has ended and its last event is published. If it joins another job, follows that job instead.
 * Returns the job in its last observed state. `signal` ends the wait; the result is then undefined if the job was never
 * seen.
 */
export async function followJob(
  connection: Connection,
  jobId: string,
  { onStatus, onProgress, signal }: JobListener & { signal?: AbortSignal } = {},
): Promise<Job | undefined> {
  let followed = jobId;
  let seen: Job | undefined;
  while (!signal?.aborted) {
    const job = await connection.ledger.readJob(followed);
    if (job !== undefined && (job.jobId !== seen?.jobId || job.status !== seen.status)) onStatus?.(job);
    seen = job;
    if (job?.status === 'joined' && job.joinedJobId !== undefined) {
      followed = job.joinedJobId;
      continue;
    }
    if (job !== undefined && hasEnded(job)) return job;
    if (job !== undefined && onProgress !== undefined) onProgress(job, await rowsOf(connection, job));
    await setTimeout(connection.pollIntervalMs, undefined, { ...(signal && { signal }) }).catch(() => {}); // ended early
  }
  return seen;
}

/** Returns true once the last event of a job is published. */
export function hasEnded(job: Job): boolean {
  return isOver(job) && job.publishedRev >= job.rev;
}

async function rowsOf(
  { ledger }: Connection,
  { jobId, plan }: Job,
): Promise<{ done: number; total: number }> {
  if (plan === undefined) return { done: 0, total: 0 };
  const parts = await ledger.partsOf(jobId, plan.planId);
  const done = parts.reduce((sum, { batch }) => {
    const { completed = 0, failed = 0 } = batch?.counts ?? {};
    return sum + completed + failed;
  }, 0);
  return { done, total: plan.rows };
}
