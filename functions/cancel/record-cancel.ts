/**
 * Records the wish to cancel, then looks: whoever saves or adopts a batch after this sees it. What the request named
 * is advanced at once where that is possible; POLL does the rest.
 */
import { hasEnded } from '../shared/contract/batch-status.ts';
import type { CancelRequest } from '../shared/contract/cancel-request.ts';
import {
  type CancelOutcomeKind,
  DETAIL_TYPE,
  EVENT_VERSION,
  type RequestFileRef,
} from '../shared/contract/events.ts';
import { isOver, type Job } from '../shared/domain/job.ts';
import type { KeyPointer } from '../shared/domain/ledger-records.ts';
import type { OutgoingEvent } from '../shared/domain/outgoing-event.ts';
import type { Part, PartRef } from '../shared/domain/part.ts';
import { changeJob, changePart, without } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { withCancel } from '../shared/lifecycle/key-versions.ts';
import { isoTime } from '../shared/lifecycle/status-events.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/** What became of a request, and what is to be advanced now. */
interface CancelRecorded {
  outcome: CancelOutcomeKind;
  status: string | null;
  message: string;
  /** Of the job that the request names, if it names one that is known. */
  job?: { jobId: string; requestFile: RequestFileRef };
  parts: PartRef[];
}

/** `sentAt`: when the message was sent, in milliseconds. Errors: RetryableError. */
export async function recordCancel(
  deps: Deps,
  request: CancelRequest,
  sentAt: number,
): Promise<CancelRecorded> {
  if ('batchId' in request) return cancelBatch(deps, request.batchId);
  if ('jobId' in request) return cancelJob(deps, request.jobId);
  return cancelKey(deps, request, sentAt);
}

async function cancelBatch(deps: Deps, batchId: string): Promise<CancelRecorded> {
  const ref = await deps.ledger.readBatchPointer(batchId);
  const part = ref && (await markPart(deps, ref, batchId));
  if (!part)
    return {
      outcome: 'unknown',
      status: null,
      message: `cancel ${batchId}: no such batch of ours`,
      parts: [],
    };
  const { jobId, planId, number, batch, request: requestFile } = part;
  const job = { jobId, requestFile };
  if (batch?.batchId !== batchId) return cancelEarlierBatch(part, batchId);
  if (isAtItsEnd(part)) {
    const message = `cancel ${batchId}: already ${batch.status}`;
    return { outcome: 'too_late', status: batch.status, message, job, parts: [] };
  }
  const message = `cancel ${batchId}: recorded${hasEnded(batch.status) ? `; it is ${batch.status}, and no row of it runs again` : ''}`;
  return { outcome: 'requested', status: batch.status, message, job, parts: [{ jobId, planId, number }] };
}

/** Of one that ended before the part's present attempt. */
function cancelEarlierBatch(part: Part, batchId: string): CancelRecorded {
  const { jobId, batch, ran, request: requestFile } = part;
  const earlier = ran.find((each) => each.batch.batchId === batchId)?.batch;
  const status = earlier?.status ?? 'failed'; // the others never ran: the API put them back
  const now = batch ? `as ${batch.batchId}` : 'soon';
  const again = isAtItsEnd(part)
    ? ''
    : `; what did not succeed runs again ${now}: to stop it, cancel job ${jobId}`;
  return {
    outcome: 'too_late',
    status,
    message: `cancel ${batchId}: already ${status}${again}`,
    job: { jobId, requestFile },
    parts: [],
  };
}

/** The wish, only while the batch is the part's present one: until its results are stored, rows may run again. */
async function markPart(deps: Deps, ref: PartRef, batchId: string): Promise<Part | undefined> {
  const answer = await changePart(deps, ref, (part) =>
    part.batch?.batchId === batchId ? withCancelRequest(part, deps.clock.now()) : undefined,
  );
  return answer?.part;
}

/**
 * Changes nothing where the part is at its end, or has the wish. A pause ends with the wish: what it was for (a bus that
 * refuses, a failed step) keeps no cancel waiting.
 */
function withCancelRequest(part: Part, now: number): Part | undefined {
  if (isAtItsEnd(part) || part.cancelRequestedAt !== undefined) return undefined;
  return { ...(without(part, 'backoffUntil') as Part), cancelRequestedAt: now };
}

function isAtItsEnd(part: Part): boolean {
  return part.delivered !== undefined || part.ended !== undefined;
}

async function cancelJob(deps: Deps, jobId: string): Promise<CancelRecorded> {
  const marked = await changeJob(deps, jobId, (job) =>
    isOver(job) || job.cancelRequestedAt !== undefined
      ? undefined
      : { ...job, cancelRequestedAt: deps.clock.now() },
  );
  if (!marked)
    return { outcome: 'unknown', status: null, message: `cancel ${jobId}: no such job`, parts: [] };
  const { job } = marked;
  if (job.status === 'joined' && job.joinedJobId !== undefined) return cancelJob(deps, job.joinedJobId);
  const { bucket, key, versionId } = job.request;
  const named = { jobId, requestFile: { bucket, key, versionId } };
  if (isOver(job)) {
    const message = `cancel ${jobId}: already ${job.status}`;
    return { outcome: 'too_late', status: job.status, message, job: named, parts: [] };
  }
  const parts = job.plan ? await deps.ledger.partsOf(jobId, job.plan.planId) : [];
  await inParallel(parts, PARTS_AT_ONCE, async (part) => {
    await changePart(deps, part, (now) => withCancelRequest(now, deps.clock.now()));
  });
  const message = `cancel ${jobId}: recorded for ${parts.length} part(s)`;
  const refs = parts.map(({ planId, number }) => ({ jobId, planId, number }));
  return { outcome: 'requested', status: job.status, message, job: named, parts: refs };
}

/** By key means the newest version whose file was there when the message was sent. */
async function cancelKey(
  deps: Deps,
  { bucket, key }: { bucket: string; key: string },
  sentAt: number,
): Promise<CancelRecorded> {
  const pointer = await rememberCancel(deps, bucket, key, sentAt);
  for (let jobId = pointer.newest?.jobId; jobId !== undefined; ) {
    const job: Job | undefined = await deps.ledger.readJob(jobId);
    if (!job) break;
    if (job.request.lastModified <= sentAt) return cancelJob(deps, jobId);
    jobId = job.previousJobId;
  }
  const message =
    'cancel by key: no such file yet; one that was uploaded before this message is cancelled when it turns up';
  return { outcome: 'remembered', status: null, message, parts: [] };
}

async function rememberCancel(deps: Deps, bucket: string, key: string, sentAt: number): Promise<KeyPointer> {
  for (;;) {
    const pointer = (await deps.ledger.readKeyPointer(bucket, key)) ?? { bucket, key, version: 0 };
    const cancels = withCancel(pointer.cancels, sentAt);
    if (!cancels || (await deps.ledger.replaceKeyPointer({ ...pointer, cancels }))) return pointer;
  }
}

/** The event on a cancel request; `messageId` makes its repetitions recognisable. */
export function cancelOutcome(
  request: CancelRequest,
  recorded: CancelRecorded,
  message: { id: string; sentAt: number },
  instance: string,
): OutgoingEvent {
  const { outcome, status, job } = recorded;
  return {
    detailType: DETAIL_TYPE.cancelOutcome,
    detail: {
      metadata: {
        id: `cancel:${message.id}`,
        version: EVENT_VERSION,
        sequence: 1,
        occurredAt: isoTime(message.sentAt),
        instance,
        ...(job ? { jobId: job.jobId } : {}),
      },
      data: {
        ...{ request, outcome, status, message: recorded.message },
        ...(job ? { requestFile: job.requestFile } : {}),
      },
    },
  };
}
