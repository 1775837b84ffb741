import { type AdvanceDeps, advanceJob, advancePart } from '../shared/core/advance.ts';
import { type CleanDeps, cleanJob } from '../shared/core/clean-job.ts';
import { type DeliverDeps, deliverPart } from '../shared/core/deliver-part.ts';
import { type FinishDeps, finishJob } from '../shared/core/finish-job.ts';
import type { Part } from '../shared/core/part.ts';
import type { Turn } from '../shared/core/ports.ts';
import { sweepPart } from '../shared/core/sweep-part.ts';
import { parseWorkMessage } from '../shared/core/work-message.ts';

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
