import type { Part } from '../shared/domain/part.ts';
import { parseWorkMessage } from '../shared/domain/work-message.ts';
import { type AdvanceDeps, advanceJob, advancePart } from '../shared/lifecycle/advance.ts';
import type { Turn } from '../shared/ports/ports.ts';
import { sweepPart } from './cancel-late-batches.ts';
import { type CleanDeps, cleanJob } from './clean-up-job.ts';
import { type FinishDeps, finishJob } from './job/finish-job.ts';
import { type DeliverDeps, deliverPart } from './part/deliver-part.ts';

export type Deps = DeliverDeps & CleanDeps & FinishDeps & AdvanceDeps & { keepFiles: boolean };

/** One message of the deliver queue: a part whose batch ended, or a job whose parts are all delivered. */
export function createHandler(deps: Deps): (body: string, turn: Turn) => Promise<void> {
  return async (body, turn) => {
    const message = parseWorkMessage(body);
    const jobId = 'ref' in message ? message.ref.jobId : message.jobId;
    if ('ref' in message) {
      const carriers = {
        sweep: (part: Part) => sweepPart(deps, part),
        deliver: (part: Part) => deliverPart(deps, part, turn),
      };
      await advancePart(deps, message.ref, carriers, false);
    }
    await advanceJob(deps, jobId, {
      finish: () => finishJob(deps, jobId, turn),
      clean: (job) => cleanJob(deps, job, deps.keepFiles),
    });
  };
}
