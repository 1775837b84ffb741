import { TerminalError } from '../shared/domain/errors.ts';
import { parseWorkMessage } from '../shared/domain/work-message.ts';
import {
  type AdvanceDeps,
  advanceJob,
  advancePart,
  quickPartStepHandlers,
} from '../shared/lifecycle/advance.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { type SubmitDeps, submitPart } from './submit-part.ts';

export type Deps = SubmitDeps & AdvanceDeps;

/** One message of the submit queue: a part that is to become a batch. */
export function createHandler(deps: Deps): (body: string, deadline: Deadline) => Promise<void> {
  return async (body, deadline) => {
    const message = parseWorkMessage(body);
    if (!('ref' in message))
      throw new TerminalError('unreadable_message', 'submit: the message names no part');
    const control = await deps.ledger.readControl();
    const submit = () => submitPart(deps, message.ref, deadline, control);
    const stepHandlers = {
      begin: submit,
      upload: submit,
      create: submit,
      search: submit,
      abandon: submit,
      retry: submit,
    };
    await advancePart(deps, message.ref, { ...quickPartStepHandlers(deps), ...stepHandlers }, control.paused);
    await advanceJob(deps, message.ref.jobId, {});
  };
}
