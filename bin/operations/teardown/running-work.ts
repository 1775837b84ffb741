import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Connection } from '../../connection/connection.ts';
import { requestCancel } from '../../jobs/request-cancel.ts';
import { pauseSubmission } from '../submission-switch.ts';

/** The jobs that are not over, and how many of their batches may run at the API. */
export interface RunningWork {
  readonly jobs: readonly Job[];
  readonly batches: number;
}

/** Phases of a part in which a batch may run. */
const MAY_RUN: ReadonlySet<string> = new Set(['creating', 'running', 'stalled']);

/** Returns what runs now. Errors: those of the ledger. */
export async function runningWork({ ledger, queries }: Connection): Promise<RunningWork> {
  const jobs = await queries.openJobs();
  let batches = 0;
  for (const { jobId, plan } of jobs) {
    const parts = plan ? await ledger.partsOf(jobId, plan.planId) : [];
    batches += parts.filter(({ phase }) => MAY_RUN.has(phase)).length;
  }
  return { jobs, batches };
}

/** Pauses submission, so that nothing new begins, and requests a cancel of every job. */
export async function cancelWork(connection: Connection, { jobs }: RunningWork): Promise<void> {
  await pauseSubmission(connection);
  for (const { jobId } of jobs) await requestCancel(connection, { jobId });
}
