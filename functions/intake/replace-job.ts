/**
 * Replaces a job for which nothing was sent with a newer one that has the same bytes and other metadata or
 * instructions. The earlier job is cancelled.
 *   1. if the earlier job's file has no plan yet, or the job is held: request its cancel, with one compare-and-set
 *   2. otherwise, postpone each part that has no intent yet to the end of this invocation's lease. If a part has one,
 *      something may be sent: the postponed parts begin later, and the earlier job continues
 *   3. request the cancel of every part, then of the job. If the invocation crashes in between, the next one
 *      repeats these steps
 */
import type { Job } from '../shared/domain/job.ts';
import type { Part } from '../shared/domain/part.ts';
import { withoutBackoff } from '../shared/domain/without.ts';
import { changeJob, type PartInHand, partInHand } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import type { LeasedJob } from '../shared/lifecycle/lease.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/**
 * Cancels the earlier job in favour of the leased one, unless a cancel request has already done so. Returns false if
 * something was or may have been sent for it. Errors: RetryableError.
 */
export async function replaceJob(deps: Deps, leased: LeasedJob, { jobId }: Job): Promise<boolean> {
  const superseded = { cancelRequestedAt: deps.clock.now(), supersededBy: leased.item.jobId };
  const undispatchable = await changeJob(deps, jobId, (job) => {
    if (job.status !== 'received' && job.status !== 'unapproved') return undefined;
    return job.cancelRequestedAt === undefined ? { ...withoutBackoff(job), ...superseded } : undefined;
  });
  const earlier = undispatchable?.job;
  if (!earlier || earlier.cancelRequestedAt !== undefined) return true;
  if (earlier.status === 'cancelled') return true; // meanwhile, for example because nobody approved it
  if (earlier.status !== 'accepted') return false;
  if (earlier.onlyPart) {
    // The part is written together with the request, or gets the request before it is dispatched.
    const undispatched = await changeJob(deps, jobId, (job) =>
      job.onlyPart && job.cancelRequestedAt === undefined ? { ...job, ...superseded } : undefined,
    );
    if (undispatched?.changed) return true;
  }
  const parts = await deps.ledger.partsOf(jobId, earlier.plan.planId);
  if (parts.length !== earlier.plan.parts || !parts.every(hasSentNothing)) return false;
  const inHand = parts.map((part) => partInHand(deps, part));
  let arePostponed = true;
  await inParallel(inHand, PARTS_AT_ONCE, async (part) => {
    if (!(await postpone(part, leased.until))) arePostponed = false;
  });
  if (!arePostponed) return false;
  await inParallel(inHand, PARTS_AT_ONCE, async (part) => {
    await part.change((now) =>
      now.cancelRequestedAt === undefined && hasSentNothing(now)
        ? { ...withoutBackoff(now), cancelRequestedAt: superseded.cancelRequestedAt }
        : undefined,
    );
  });
  await changeJob(deps, jobId, (job) =>
    job.status === 'accepted' && job.cancelRequestedAt === undefined ? { ...job, ...superseded } : undefined,
  );
  return true;
}

/** Prevents the part from beginning before that time. Returns false if it has already begun. */
async function postpone(part: PartInHand, until: number): Promise<boolean> {
  await part.change((now) => {
    if (!hasSentNothing(now) || now.cancelRequestedAt !== undefined) return undefined;
    return { ...now, backoffUntil: Math.max(until, now.backoffUntil ?? 0) };
  });
  return hasSentNothing(part.item);
}

function hasSentNothing(part: Part): boolean {
  if (part.phase === 'planned' || part.phase === 'waiting' || part.phase === 'ready')
    return part.attempt === 1;
  // An earlier try of this replacement cancelled the part.
  return part.cancelRequestedAt !== undefined && part.intent === undefined && part.ran.length === 0;
}
