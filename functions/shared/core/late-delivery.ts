import { changeJob, without } from './change.ts';
import type { Job } from './job.ts';
import { LostLease } from './lease.ts';
import type { Part } from './part.ts';
import type { Ports } from './ports.ts';
import { pieceKeys } from './result-keys.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'results'>;

/**
 * Called when a delivery failed: another one may have overtaken it, have finished the job and removed what was there, and
 * then nobody else removes these pieces. What cannot be removed here is left to the job, which is cleaned once more.
 * Errors: as the ports'.
 */
export async function cleanBehind(
  deps: Deps,
  part: Part,
  deliveryId: string,
  failure: unknown,
): Promise<void> {
  const delivered = (await deps.ledger.readPart(part))?.delivered;
  if (delivered?.deliveryId === deliveryId) return; // it is done, only the answer was lost
  if (!delivered && !(failure instanceof LostLease)) return;
  try {
    await deps.results.remove(Object.values(pieceKeys(part, deliveryId)));
  } catch {
    await cleanAgain(deps, part.jobId);
  }
}

async function cleanAgain(deps: Deps, jobId: string): Promise<void> {
  const sweepAt = deps.clock.now();
  await changeJob(deps, jobId, (job) =>
    job.cleaned ? { ...(without(job, 'cleaned') as Job), sweepAt, tries: 0 } : undefined,
  );
}
