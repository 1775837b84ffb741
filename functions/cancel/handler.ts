import { parseCancelRequest } from '../shared/contract/cancel-request.ts';
import { type AdvanceDeps, advanceJob, advancePart, quickPartSteps } from '../shared/core/advance.ts';
import { Refused } from '../shared/core/errors.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/core/in-parallel.ts';
import { observePart } from '../shared/core/observe-part.ts';
import type { Part } from '../shared/core/part.ts';
import type { Ports } from '../shared/core/ports.ts';
import { publishOrRetry } from '../shared/core/publish.ts';
import { cancelOutcome, recordCancel } from '../shared/core/request-cancel.ts';

export type Deps = AdvanceDeps & Pick<Ports, 'api'>;

/** A message of the cancel queue; `sentAt` is when it was sent, in milliseconds. */
interface CancelMessage {
  id: string;
  body: string;
  sentAt: number;
}

/** Throws what cannot be read: the queue keeps it as evidence. */
export function createHandler(deps: Deps): (message: CancelMessage) => Promise<void> {
  return async (message) => {
    const parsed = parseCancelRequest(message.body);
    if ('problem' in parsed)
      throw new Refused('unreadable_message', `cancel ${message.id}: ${parsed.problem}`);
    const recorded = await recordCancel(deps, parsed.request, message.sentAt);
    await publishOrRetry(deps, cancelOutcome(parsed.request, recorded, message));
    const carriers = {
      ...quickPartSteps(deps),
      observe: (part: Part) => observePart(deps, part),
    };
    await inParallel(recorded.parts, PARTS_AT_ONCE, async (ref) => {
      await advancePart(deps, ref, carriers, false);
    });
    if (recorded.jobId !== undefined) await advanceJob(deps, recorded.jobId, {});
  };
}
