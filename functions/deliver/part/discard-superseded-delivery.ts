import { pieceKeys } from '../../shared/domain/internal-keys.ts';
import type { Part } from '../../shared/domain/part.ts';
import { LostLease } from '../../shared/lifecycle/lease.ts';
import { reopenCleanUp } from '../../shared/lifecycle/reopen-clean-up.ts';
import type { Ports } from '../../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'results'>;

/**
 * Called when a delivery failed: another one may have overtaken it, have finished the job and removed what was there, and
 * then nobody else removes these pieces. What cannot be removed here is left to the job, which is cleaned once more.
 * Errors: as the ports'.
 */
export async function discardSupersededDelivery(
  deps: Deps,
  part: Part,
  deliveryId: string,
  failure: unknown,
): Promise<void> {
  const now = await deps.ledger.readPart(part);
  // The answer was lost, not the effect: these are the pieces that count.
  if (now?.delivered?.deliveryId === deliveryId || now?.soFar?.deliveryId === deliveryId) return;
  if (!(failure instanceof LostLease) && now?.delivered === undefined) return;
  try {
    await deps.results.remove(Object.values(pieceKeys(part, deliveryId)));
  } catch {
    await reopenCleanUp(deps, part.jobId);
  }
}
