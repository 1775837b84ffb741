import { TerminalError } from '../shared/domain/errors.ts';
import { SUBMISSION_STEPS } from '../shared/domain/next-step.ts';
import { parseWorkMessage } from '../shared/domain/work-message.ts';
import {
  type AdvanceDeps,
  advanceJob,
  advancePart,
  type PartStepHandlers,
  quickPartStepHandlers,
} from '../shared/lifecycle/advance.ts';
import { apiUntil } from '../shared/lifecycle/api-until.ts';
import { observePart } from '../shared/lifecycle/apply-observation.ts';
import { hasHadBatch, markSubmitted } from '../shared/lifecycle/check-parts.ts';
import { type PartInHand, takeJob, takePart } from '../shared/lifecycle/compare-and-set.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import type { SubmitDeps } from './submission.ts';
import { submitPart } from './submit-part.ts';

export type Deps = SubmitDeps & AdvanceDeps;

/**
 * Handles one message of the submit queue: submits a part as a batch. Errors: TerminalError `unreadable_message`;
 * RetryableError.
 */
export function createHandler(made: Deps): (body: string, deadline: Deadline) => Promise<void> {
  return async (body, deadline) => {
    const deps = { ...made, api: apiUntil(made.api, deadline.signal) };
    const message = parseWorkMessage(body);
    if (!('ref' in message))
      throw new TerminalError('unreadable_message', 'submit: the message identifies no part');
    const control = await deps.ledger.readControl();
    const inHand = await takePart(deps, message.ref);
    if (!inHand) return;
    const submit = async (part: PartInHand) => {
      await submitPart(deps, part, deadline, control);
      return true;
    };
    // Observes only a batch whose end a webhook has already reported. POLL observes all others.
    const observe = async (part: PartInHand) =>
      part.item.toldAt === undefined ? false : observePart(deps, part);
    const stepHandlers: PartStepHandlers = {
      ...quickPartStepHandlers(deps),
      observe,
      ...Object.fromEntries(SUBMISSION_STEPS.map((step) => [step, submit])),
    };
    await advancePart(deps, inHand, stepHandlers, control.paused);
    const job = await takeJob(deps, message.ref.jobId);
    if (!job) return;
    if (hasHadBatch(inHand.item)) await markSubmitted(deps, job);
    await advanceJob(deps, job, {});
  };
}
