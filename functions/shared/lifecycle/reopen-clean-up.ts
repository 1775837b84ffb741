import type { Job } from '../domain/job.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob, without } from './compare-and-set.ts';

/** For one who may have written something after the job was cleaned. Errors: as the ledger's. */
export async function cleanAgain(deps: Pick<Ports, 'ledger' | 'clock'>, jobId: string): Promise<void> {
  const sweepAt = deps.clock.now();
  await changeJob(deps, jobId, (job) =>
    job.cleaned ? { ...(without(job, 'cleaned') as Job), sweepAt, tries: 0 } : undefined,
  );
}
