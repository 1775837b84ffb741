import { accountOfUnresolved, CREATE_UNCERTAIN } from '../../domain/spending/unresolved-creates.ts';
import { REPORT_STALL_MS } from '../../domain/timing.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PartInHand } from '../compare-and-set.ts';
import { publishOrRetry } from '../publish.ts';
import { type EventOrigin, jobStalled } from '../status-events.ts';
import { noteStalled } from './uncertain-accounts.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'bus'> & EventOrigin;

/**
 * Reports a part that waits for a person, every half hour, so that its alarm stays on while the part is stalled. The
 * first report also publishes an event. Returns whether the part was stalled. Errors: RetryableError.
 */
export async function reportStall(deps: Deps, inHand: PartInHand): Promise<boolean> {
  const { item: part, ref } = inHand;
  if (part.phase !== 'stalled') return false;
  const { code, message } = part.stalled;
  deps.log.error('part_stalled', { jobId: ref.jobId, part: ref.number, cause: code, reason: message });
  if (code === CREATE_UNCERTAIN) {
    deps.metrics.record('CreateUncertain', 1);
    await noteStalled(deps, accountOfUnresolved(part), false);
  } else deps.metrics.record('Stalled', 1);
  if (!part.stallPublished) await publishOrRetry(deps, jobStalled(part, deps.instance));
  return inHand.change((now) => {
    if (now.phase !== 'stalled') return undefined;
    return { ...now, stallPublished: true, backoffUntil: deps.clock.now() + REPORT_STALL_MS };
  });
}
