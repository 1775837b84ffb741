import type { Part } from '../../shared/domain/part.ts';
import { pieceKeys } from '../../shared/domain/result-keys.ts';
import { LostLease } from '../../shared/lifecycle/lease.ts';
import { reopenCleanUp } from '../../shared/lifecycle/reopen-clean-up.ts';
import type { Ports } from '../../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'results'>;

/**
 * Called when a delivery failed: another one may have overtaken it, finished the job and removed what was there, and then
 * nobody else removes these pieces. For what cannot be removed here, the job's clean-up is reopened. Errors: as the ports'.
 */
export async function discardSupersededDelivery(
  deps: Deps,
  part: Part,
  deliveryId: string,
  failure: unknown,
): Promise<void> {
  const now = await deps.ledger.readPart(part);
  // The response was lost, not the effect: these are the pieces that count.
  if (now?.delivered?.deliveryId === deliveryId || now?.earlierResults?.deliveryId === deliveryId) return;
  if (!(failure instanceof LostLease) && now?.delivered === undefined) return;
  try {
    await deps.results.remove(Object.values(pieceKeys(part, deliveryId)));
  } catch {
    await reopenCleanUp(deps, part.jobId);
  }
}
