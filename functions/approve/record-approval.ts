/**
 * Records an approval on its job. That is one compare-and-set, and only the first approval counts: a message that repeats
 * itself, or comes late, changes nothing.
 *   - a job that is held is accepted next
 *   - a job whose file is not planned yet is not held later
 *   - a job that runs has nothing to wait for, but the parts that have not ended learn of the approval: admission asks for
 *     it
 *   - a job that has ended, is being cancelled, or is not known, stays as it is, and the log says so. A job that joined
 *     another one has ended: only a message that names the other one approves it
 */
import { isOver, type Job } from '../shared/domain/job.ts';
import { isAtItsEnd } from '../shared/domain/part-end.ts';
import { type JobInHand, partInHand, takeJob } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log'>;

/** Records an approval. Returns the job in hand; undefined when it cannot be approved. Errors: RetryableError. */
export async function recordApproval(deps: Deps, jobId: string): Promise<JobInHand | undefined> {
  const job = await takeJob(deps, jobId);
  if (!job) {
    deps.log.warn('approval_unknown', { jobId });
    return undefined;
  }
  const approvedAt = deps.clock.now();
  await job.change((now) =>
    isTooLate(now) || now.approvedAt !== undefined ? undefined : { ...now, approvedAt },
  );
  const { item } = job;
  if (isTooLate(item)) {
    deps.log.warn('approval_too_late', { jobId, status: item.status, joinedJobId: item.joinedJobId });
    return undefined;
  }
  deps.log.info('approved', { jobId, status: item.status });
  if (item.status === 'accepted' || item.status === 'submitted') await approveParts(deps, item);
  return job;
}

/** Nothing runs any more, or soon nothing will. */
function isTooLate(job: Job): boolean {
  return isOver(job) || job.cancelRequestedAt !== undefined;
}

/** Parts that are not in the ledger yet get the approval when they are dispatched. */
async function approveParts(deps: Deps, { jobId, plan, approvedAt }: Job): Promise<void> {
  if (!plan || approvedAt === undefined) return;
  const parts = await deps.ledger.partsOf(jobId, plan.planId);
  await inParallel(parts, PARTS_AT_ONCE, async (part) => {
    await partInHand(deps, part).change((now) =>
      isAtItsEnd(now) || now.approvedAt !== undefined ? undefined : { ...now, approvedAt },
    );
  });
}
