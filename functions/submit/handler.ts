import { Refused } from '../shared/domain/errors.ts';
import { parseWorkMessage } from '../shared/domain/work-message.ts';
import { type AdvanceDeps, advanceJob, advancePart, quickPartSteps } from '../shared/lifecycle/advance.ts';
import type { Turn } from '../shared/ports/ports.ts';
import { type SubmitDeps, submitPart } from './submit-part.ts';

export type Deps = SubmitDeps & AdvanceDeps;

/** One message of the submit queue: a part that is to become a batch. */
export function createHandler(deps: Deps): (body: string, turn: Turn) => Promise<void> {
  return async (body, turn) => {
    const message = parseWorkMessage(body);
    if (!('ref' in message)) throw new Refused('unreadable_message', 'submit: the message names no part');
    const control = await deps.ledger.readControl();
    const submit = () => submitPart(deps, message.ref, turn, control);
    const carriers = {
      begin: submit,
      upload: submit,
      create: submit,
      look: submit,
      abandon: submit,
      retry: submit,
    };
    await advancePart(deps, message.ref, { ...quickPartSteps(deps), ...carriers }, control.paused);
    await advanceJob(deps, message.ref.jobId, {});
  };
}
