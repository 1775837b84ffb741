import type { JobEstimate } from '../../functions/shared/contract/events.ts';
import type { Connection } from '../connection/connection.ts';

const WAIT_MS = 10_000; // real time: INTAKE starts within seconds, but a large file takes longer

/** Waits a few seconds until a file was accepted, and returns its estimate; undefined if it has none by then. */
export async function jobEstimate(
  { ledger, pollIntervalMs }: Pick<Connection, 'ledger' | 'pollIntervalMs'>,
  jobId: string,
): Promise<JobEstimate | undefined> {
  for (let waitedMs = 0; waitedMs <= WAIT_MS; waitedMs += pollIntervalMs) {
    const job = await ledger.readJob(jobId);
    if (job !== undefined && job.status !== 'received') return job.plan?.estimate;
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
  return undefined;
}
