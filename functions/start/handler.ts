import { parseStartRequest, TASK_ERRORS } from '../shared/contract/messages/start-request.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { type StartDeps, startJob } from './start-job.ts';
import { asTaskFailure, TaskFailure } from './task-failure.ts';

/** Handles the input of one task. Errors: TaskFailure; an Error for a defect. */
export function createHandler(deps: StartDeps): (input: unknown, deadline: Deadline) => Promise<void> {
  return async (input, deadline) => {
    const parsed = parseStartRequest(input);
    if ('problem' in parsed) throw new TaskFailure(TASK_ERRORS.invalidInput, parsed.problem);
    try {
      await startJob(deps, parsed.request, deadline);
    } catch (failure) {
      throw asTaskFailure(failure);
    }
  };
}
