/**
 * A job that is held: INTAKE has planned it, and nothing is sent before somebody approves it. The hold ends in one
 * compare-and-set of the job, so of an approval, a cancel request and the end of its time exactly one takes effect:
 *   - approved: the job is accepted, and its parts are dispatched as those of any job
 *   - a cancel request, or a job that replaces it: the job ends as cancelled. It was never accepted, so its rows have no
 *     results
 *   - nobody approved it in time: the same, and an alarm reports it
 */
import type { Reason } from '../contract/events.ts';
import { type JobIn, nextStatus, supersededReason } from '../domain/job.ts';
import { without, withoutBackoff } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import type { JobInHand } from './compare-and-set.ts';

type Deps = Pick<Ports, 'clock' | 'log' | 'metrics'>;

/** Accepts a job that is held and was approved. Errors: RetryableError. */
export async function acceptApproved({ clock }: Pick<Ports, 'clock'>, inHand: JobInHand): Promise<void> {
  await inHand.change((job) => {
    if (job.status !== 'unapproved' || job.approvedAt === undefined) return undefined;
    if (job.cancelRequestedAt !== undefined || job.rev !== job.publishedRev) return undefined;
    return { ...without(withoutBackoff(job), 'hold'), ...nextStatus(job, 'accepted', clock.now()) };
  });
}

/** Ends a job that is held, unless it was approved meanwhile. Errors: RetryableError. */
export async function endUnapproved(deps: Deps, inHand: JobInHand): Promise<void> {
  const jobId = inHand.ref;
  const now = deps.clock.now();
  let reason: Reason | undefined;
  const hasEnded = await inHand.change((job) => {
    reason = job.status === 'unapproved' && job.rev === job.publishedRev ? endOf(job, now) : undefined;
    if (job.status !== 'unapproved' || !reason) return undefined;
    const rest = without(withoutBackoff(job), 'hold', 'plan', 'waiting', 'onlyPart');
    return { ...rest, ...nextStatus(job, 'cancelled', now), reason };
  });
  if (hasEnded && reason?.code === APPROVAL_EXPIRED) {
    deps.log.error(APPROVAL_EXPIRED, { jobId });
    deps.metrics.record('ApprovalsExpired', 1);
  }
}

const APPROVAL_EXPIRED = 'approval_expired';

/** Returns why the job ends; undefined when it goes on. */
function endOf(job: JobIn<'unapproved'>, now: number): Reason | undefined {
  const { cancelRequestedAt, supersededBy, approvedAt, hold } = job;
  if (supersededBy !== undefined) return supersededReason(supersededBy);
  if (cancelRequestedAt !== undefined)
    return { code: 'cancelled', message: 'cancelled before it was approved: nothing was sent' };
  if (approvedAt !== undefined || now < hold.until) return undefined;
  const by = new Date(hold.until).toISOString();
  const message = `nobody approved the job by ${by}: nothing was sent. It was held because ${hold.reason.message}`;
  return { code: APPROVAL_EXPIRED, message };
}
