import type { Part } from '../shared/domain/part.ts';
import { parseWorkMessage } from '../shared/domain/work-message.ts';
import { type AdvanceDeps, advanceJob, advancePart } from '../shared/lifecycle/advance.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { cancelLateBatches } from './cancel-late-batches.ts';
import { type CleanUpDeps, cleanUpJob } from './clean-up-job.ts';
import { type FinishDeps, finishJob } from './job/finish-job.ts';
import { type DeliverDeps, deliverPart } from './part/deliver-part.ts';

export type Deps = DeliverDeps & CleanUpDeps & FinishDeps & AdvanceDeps & { keepFiles: boolean };

/** One message of the deliver queue: a part whose batch ended, or a job whose parts are all delivered. */
export function createHandler(deps: Deps): (body: string, deadline: Deadline) => Promise<void> {
  return async (body, deadline) => {
    const message = parseWorkMessage(body);
    const jobId = 'ref' in message ? message.ref.jobId : message.jobId;
    if ('ref' in message) {
      const stepHandlers = {
        'cancel-late-batches': (part: Part) => cancelLateBatches(deps, part),
        deliver: (part: Part) => deliverPart(deps, part, deadline),
      };
      await advancePart(deps, message.ref, stepHandlers, false);
    }
    await advanceJob(deps, jobId, {
      finish: () => finishJob(deps, jobId, deadline),
      'clean-up': (job) => cleanUpJob(deps, job, deps.keepFiles),
    });
  };
}
