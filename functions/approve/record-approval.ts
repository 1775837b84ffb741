/**
 * Records an approval on its job. That is one compare-and-set, and only the first approval counts: a message that repeats
 * itself, or comes late, changes nothing.
 *   - a job that is held is accepted next
 *   - a job whose file is not planned yet is not held later
 *   - a job that runs has nothing to wait for, but the parts that have not ended learn of the approval: admission asks for
 *     it
 *   - a job that has ended, is being cancelled, or is not known, stays as it is. A job that joined another one has ended:
 *     only a message that names the other one approves it
 */
import { type ApprovalOutcomeKind, DETAIL_TYPE, EVENT_VERSION } from '../shared/contract/events.ts';
import type { ApprovalRequest } from '../shared/contract/messages/approval-request.ts';
import { isOver, type Job } from '../shared/domain/job.ts';
import type { OutgoingEvent } from '../shared/domain/outgoing-event.ts';
import { approvedPart } from '../shared/domain/waiting/approved-part.ts';
import { type JobInHand, partInHand, takeJob } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { isoTime } from '../shared/lifecycle/status-events.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log'>;

/** The outcome of an approval, and its job, if there is one. */
interface RecordedApproval {
  outcome: ApprovalOutcomeKind;
  message: string;
  job?: JobInHand;
  /** Of the job, when the approval was read. */
  status: Job['status'] | null;
}

/** Records an approval. Errors: RetryableError. */
export async function recordApproval(deps: Deps, jobId: string): Promise<RecordedApproval> {
  const job = await takeJob(deps, jobId);
  if (!job) {
    deps.log.warn('approval_unknown', { jobId });
    return { outcome: 'unknown', status: null, message: `approve ${jobId}: no such job` };
  }
  const approvedAt = deps.clock.now();
  await job.change((now) =>
    whyTooLate(now) !== undefined || now.approvedAt !== undefined ? undefined : { ...now, approvedAt },
  );
  const { item } = job;
  const { status } = item;
  const tooLate = whyTooLate(item);
  if (tooLate !== undefined) {
    deps.log.warn('approval_too_late', { jobId, status, joinedJobId: item.joinedJobId });
    return { outcome: 'too_late', status, message: `approve ${jobId}: ${tooLate}`, job };
  }
  deps.log.info('approved', { jobId, status });
  if (item.status === 'accepted' || item.status === 'submitted') await approveParts(deps, item);
  return { outcome: 'approved', status, message: `approve ${jobId}: recorded`, job };
}

/** Returns why nothing of the job can be let go any more; undefined when it can. */
function whyTooLate(job: Job): string | undefined {
  if (job.status === 'joined')
    return `it joined job ${job.joinedJobId}, which needs an approval of its own if it is held`;
  if (isOver(job)) return `already ${job.status}`;
  return job.cancelRequestedAt === undefined ? undefined : 'its cancel was requested before';
}

/** Parts that are not in the ledger yet get the approval when they are dispatched. */
async function approveParts(deps: Deps, { jobId, plan, approvedAt }: Job): Promise<void> {
  if (!plan || approvedAt === undefined) return;
  const parts = await deps.ledger.partsOf(jobId, plan.planId);
  await inParallel(parts, PARTS_AT_ONCE, async (part) => {
    await partInHand(deps, part).change((now) => approvedPart(now, approvedAt));
  });
}

/** Returns the event with the outcome of an approval. Its id is that of the message, so repeated events have the same id. */
export function approvalOutcome(
  request: ApprovalRequest,
  { outcome, status, message: said, job }: RecordedApproval,
  message: { id: string; sentAt: number },
  instance: string,
): OutgoingEvent {
  const { bucket, key, versionId } = job?.item.request ?? {};
  const isKnown = bucket !== undefined && key !== undefined && versionId !== undefined;
  return {
    detailType: DETAIL_TYPE.approvalOutcome,
    detail: {
      metadata: {
        id: `approval:${message.id}`,
        version: EVENT_VERSION,
        sequence: 1,
        occurredAt: isoTime(message.sentAt),
        instance,
        ...(job ? { jobId: job.ref } : {}),
      },
      data: {
        request,
        outcome,
        status,
        message: said,
        ...(isKnown ? { requestFile: { bucket, key, versionId } } : {}),
      },
    },
  };
}
