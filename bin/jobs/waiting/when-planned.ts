import type { Job } from '../../../functions/shared/domain/job.ts';
import type { Connection } from '../../connection/connection.ts';

const WAIT_MS = 10_000; // real time: INTAKE starts within seconds, but a large file takes longer

/** Waits a few seconds until a file was checked, and returns its job; undefined if it is not checked by then. */
export async function whenPlanned(
  { ledger, pollIntervalMs }: Pick<Connection, 'ledger' | 'pollIntervalMs'>,
  jobId: string,
): Promise<Job | undefined> {
  for (let waitedMs = 0; waitedMs <= WAIT_MS; waitedMs += pollIntervalMs) {
    const job = await ledger.readJob(jobId);
    if (job !== undefined && job.status !== 'received') return job;
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
  return undefined;
}
