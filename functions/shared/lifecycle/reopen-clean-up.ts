import type { Job } from '../domain/job.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob, without } from './compare-and-set.ts';

/** For one who may have written something after the job was cleaned. Errors: as the ledger's. */
export async function reopenCleanUp(deps: Pick<Ports, 'ledger' | 'clock'>, jobId: string): Promise<void> {
  const secondCleanUpAt = deps.clock.now();
  await changeJob(deps, jobId, (job) =>
    job.cleanedUp ? { ...(without(job, 'cleanedUp') as Job), secondCleanUpAt, tries: 0 } : undefined,
  );
}
