import { parseWorkMessage } from '../shared/domain/work-message.ts';
import {
  type AdvanceDeps,
  advanceJob,
  advancePart,
  type PartStepHandlers,
  quickPartStepHandlers,
} from '../shared/lifecycle/advance.ts';
import { apiUntil } from '../shared/lifecycle/api-until.ts';
import { takeJob, takePart } from '../shared/lifecycle/compare-and-set.ts';
import type { Deadline } from '../shared/ports/ports.ts';
import { type CleanUpDeps, cleanUpJob } from './clean-up-job.ts';
import { type FinishDeps, finishJob } from './job/finish-job.ts';
import { type DeliverDeps, deliverPart } from './part/deliver-part.ts';
import { reopenIfPiecesAreLeft } from './part/discard-superseded-delivery.ts';
import { RecentPages } from './recent-pages.ts';

export type Deps = DeliverDeps &
  Omit<CleanUpDeps, 'pages'> &
  FinishDeps &
  AdvanceDeps & {
    keepFiles: boolean;
    /** Default: none yet, as in a new process. */
    pages?: RecentPages;
  };

/**
 * Handles one message of the deliver queue: a part whose batch ended, or a job to finish or to clean up. Errors:
 * RetryableError.
 */
export function createHandler(made: Deps): (body: string, deadline: Deadline) => Promise<void> {
  const { pages = new RecentPages(made.clock) } = made;
  return async (body, deadline) => {
    const deps = { ...made, pages, api: apiUntil(made.api, deadline.signal) };
    const message = parseWorkMessage(body);
    const jobId = 'ref' in message ? message.ref.jobId : message.jobId;
    const part = 'ref' in message ? await takePart(deps, message.ref) : undefined;
    if (part) await advancePart(deps, part, partSteps(deps, deadline), false);
    const job = await takeJob(deps, jobId);
    if (!job) return;
    if (part?.item.phase === 'delivered') await reopenIfPiecesAreLeft(deps, job.item);
    await advanceJob(deps, job, {
      finish: async (inHand, parts) => {
        await finishJob(deps, inHand, parts, deadline);
        return true;
      },
      'clean-up': async (inHand) => {
        await cleanUpJob(deps, inHand, deps.keepFiles);
        return true;
      },
    });
  };
}

function partSteps(deps: Deps, deadline: Deadline): PartStepHandlers {
  return {
    ...quickPartStepHandlers(deps),
    deliver: async (inHand) => {
      await deliverPart(deps, inHand, deadline);
      return true;
    },
  };
}
