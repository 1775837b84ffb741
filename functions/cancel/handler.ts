import { parseCancelRequest } from '../shared/contract/messages/cancel-request.ts';
import { TerminalError } from '../shared/domain/errors.ts';
import {
  type AdvanceDeps,
  advanceJob,
  advancePart,
  quickPartStepHandlers,
} from '../shared/lifecycle/advance.ts';
import { apiUntil } from '../shared/lifecycle/api-until.ts';
import { observePart } from '../shared/lifecycle/apply-observation.ts';
import type { PartInHand } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { publishOrRetry } from '../shared/lifecycle/publish.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import { cancelOutcome, recordCancel } from './record-cancel.ts';

export type Deps = AdvanceDeps & Pick<Ports, 'api'>;

/** A message of the cancel queue. `sentAt`: when it was sent, in milliseconds. */
interface CancelMessage {
  id: string;
  body: string;
  sentAt: number;
}

/**
 * Handles one message of the cancel queue. Errors: TerminalError `unreadable_message`, so that the queue keeps the
 * message; RetryableError.
 */
export function createHandler(made: Deps): (message: CancelMessage, deadline: Deadline) => Promise<void> {
  return async (message, deadline) => {
    const deps = { ...made, api: apiUntil(made.api, deadline.signal) };
    const parsed = parseCancelRequest(message.body);
    if ('problem' in parsed)
      throw new TerminalError('unreadable_message', `cancel ${message.id}: ${parsed.problem}`);
    const recorded = await recordCancel(deps, parsed.request, message.sentAt);
    await publishOrRetry(deps, cancelOutcome(parsed.request, recorded, message, deps.instance));
    const stepHandlers = {
      ...quickPartStepHandlers(deps),
      observe: (part: PartInHand) => observePart(deps, part),
    };
    await inParallel(recorded.parts, PARTS_AT_ONCE, async (part) => {
      await advancePart(deps, part, stepHandlers, false);
    });
    if (recorded.job) await advanceJob(deps, recorded.job, {});
  };
}
