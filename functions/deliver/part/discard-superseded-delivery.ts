import { internalFolder, pieceKeys } from '../../shared/domain/internal-keys.ts';
import { isOver, type Job } from '../../shared/domain/job.ts';
import type { Part } from '../../shared/domain/part.ts';
import { LostLease } from '../../shared/lifecycle/lease.ts';
import { reopenCleanUp } from '../../shared/lifecycle/reopen-clean-up.ts';
import type { Ports } from '../../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'results'>;

/**
 * Removes the pieces of a failed delivery that another one superseded, because the job may already have ended and been
 * cleaned up. If the removal fails, the job's clean-up is reopened. Errors: those of the ports.
 */
export async function discardSupersededDelivery(
  deps: Deps,
  part: Part,
  deliveryId: string,
  failure: unknown,
): Promise<void> {
  const now = await deps.ledger.readPart(part);
  // If this delivery was stored and only the response was lost, its pieces count.
  if (now?.delivered?.deliveryId === deliveryId || now?.earlierResults?.deliveryId === deliveryId) return;
  if (!(failure instanceof LostLease) && now?.delivered === undefined) return;
  try {
    await deps.results.remove(Object.values(pieceKeys(part, deliveryId)));
  } catch {
    await reopenCleanUp(deps, part.jobId);
  }
}

/**
 * Reopens the clean-up of a job if pieces remain after it. This invocation, or an earlier one for the same message, may
 * have written late and failed before it removed its pieces. Errors: those of the ports.
 */
export async function reopenIfPiecesAreLeft(deps: Deps, job: Job): Promise<void> {
  if (!isOver(job) || !job.cleanedUp) return;
  const left = await deps.results.keysUnder(internalFolder(job.jobId));
  if (left.length > 0) await reopenCleanUp(deps, job.jobId);
}
