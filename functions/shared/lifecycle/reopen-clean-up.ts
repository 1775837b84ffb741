import { isOver } from '../domain/job.ts';
import { without } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob } from './compare-and-set.ts';

/**
 * Makes the job's clean-up due again, because a write may have come after the clean-up. Errors: those of the ledger.
 */
export async function reopenCleanUp(deps: Pick<Ports, 'ledger' | 'clock'>, jobId: string): Promise<void> {
  const secondCleanUpAt = deps.clock.now();
  await changeJob(deps, jobId, (job) =>
    isOver(job) && job.cleanedUp ? { ...without(job, 'cleanedUp'), secondCleanUpAt, tries: 0 } : undefined,
  );
}
