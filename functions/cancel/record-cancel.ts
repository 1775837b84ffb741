/**
 * Records a cancel request before it reads any batch. A function that saves or adopts a batch later then finds the
 * request. CANCEL then advances what the request named, and POLL advances the rest.
 */
import { hasEnded } from '../shared/contract/batch-status.ts';
import {
  type CancelOutcomeKind,
  DETAIL_TYPE,
  EVENT_VERSION,
  type RequestFileRef,
} from '../shared/contract/events.ts';
import type { CancelRequest } from '../shared/contract/messages/cancel-request.ts';
import { RetryableError } from '../shared/domain/errors.ts';
import { isOver, type Job, type LastCancel, withLastCancel } from '../shared/domain/job.ts';
import type { KeyPointer } from '../shared/domain/ledger-records.ts';
import type { OutgoingEvent } from '../shared/domain/outgoing-event.ts';
import type { Part } from '../shared/domain/part.ts';
import { isAtItsEnd, withCancelRequest } from '../shared/domain/part-end.ts';
import {
  type JobInHand,
  type PartInHand,
  partInHand,
  takeJob,
  takePart,
} from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { withCancel } from '../shared/lifecycle/key-versions.ts';
import { withPast } from '../shared/lifecycle/spending/past-attempts.ts';
import { isoTime } from '../shared/lifecycle/status-events.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/** The outcome of a request, and the job and parts to advance now. */
interface RecordedCancel {
  outcome: CancelOutcomeKind;
  status: string | null;
  message: string;
  /** The job that the request names, if there is one. */
  job?: JobInHand;
  parts: PartInHand[];
}

/** Records a cancel request. `sentAt`: when the message was sent, in milliseconds. Errors: RetryableError. */
export async function recordCancel(
  deps: Deps,
  request: CancelRequest,
  sentAt: number,
): Promise<RecordedCancel> {
  if ('batchId' in request) return cancelBatch(deps, request.batchId, sentAt);
  if ('jobId' in request) return cancelJob(deps, request.jobId, sentAt);
  return cancelKey(deps, request, sentAt);
}

async function cancelBatch(deps: Deps, batchId: string, sentAt: number): Promise<RecordedCancel> {
  const ref = await deps.ledger.readBatchPointer(batchId);
  const part = ref && (await takePart(deps, ref));
  if (!part) {
    const message = `cancel ${batchId}: this Batchdrop has no such batch`;
    return { outcome: 'unknown', status: null, message, parts: [] };
  }
  // Only if the batch is the part's current one. Until its results are stored, rows may run again, so it is not too
  // late.
  await part.change((now) =>
    now.batch?.batchId === batchId ? withCancelRequest(now, deps.clock.now()) : undefined,
  );
  const { outcome, status, message } = await batchOutcome(deps, part.item, batchId);
  const { jobId } = part.ref;
  const job = await takeJob(deps, jobId);
  if (job) await job.change((now) => withLastCancel(now, { at: sentAt, outcome, message }));
  const known = job ? { job } : {};
  return { outcome, status, message, ...known, parts: outcome === 'requested' ? [part] : [] };
}

type BatchOutcome = { outcome: LastCancel['outcome']; status: string; message: string };

async function batchOutcome(deps: Deps, part: Part, batchId: string): Promise<BatchOutcome> {
  const { batch } = part;
  if (batch?.batchId !== batchId) return earlierBatchOutcome(await withPast(deps, part), batchId);
  const { status } = batch;
  if (isAtItsEnd(part))
    return { outcome: 'too_late', status, message: `cancel ${batchId}: already ${status}` };
  const end = hasEnded(status) ? `; it is already ${status}, and none of its rows runs again` : '';
  return { outcome: 'requested', status, message: `cancel ${batchId}: recorded${end}` };
}

/** Returns the outcome for a batch that ended before the part's current attempt. */
function earlierBatchOutcome(part: Part, batchId: string): BatchOutcome {
  const { jobId, batch, ran } = part;
  const earlier = ran.find((each) => each.batch.batchId === batchId)?.batch;
  const status = earlier?.status ?? 'failed'; // the API rejected the other earlier batches for the token limit
  const now = batch ? `as ${batch.batchId}` : 'soon';
  const again = isAtItsEnd(part)
    ? ''
    : `; rows that did not succeed may run again ${now}: to stop them, cancel job ${jobId}`;
  return { outcome: 'too_late', status, message: `cancel ${batchId}: already ${status}${again}` };
}

async function cancelJob(deps: Deps, jobId: string, sentAt: number): Promise<RecordedCancel> {
  const job = await takeJob(deps, jobId);
  if (!job) return { outcome: 'unknown', status: null, message: `cancel ${jobId}: no such job`, parts: [] };
  await job.change((now) => {
    if (now.status === 'joined') return undefined;
    const cancelled = withLastCancel(now, jobOutcome(now, sentAt));
    if (isOver(now) || now.cancelRequestedAt !== undefined) return cancelled;
    return { ...(cancelled ?? now), cancelRequestedAt: deps.clock.now() };
  });
  const { item } = job;
  if (item.status === 'joined') return cancelJob(deps, item.joinedJobId, sentAt);
  const { outcome, message } = jobOutcome(item, sentAt);
  const { status } = item;
  // Nothing was dispatched for a job that is held: its own request is enough.
  if (isOver(item) || item.status === 'unapproved') return { outcome, status, message, job, parts: [] };
  const parts = item.plan ? await deps.ledger.partsOf(jobId, item.plan.planId) : [];
  const inHand = parts.map((part) => partInHand(deps, part));
  await inParallel(inHand, PARTS_AT_ONCE, async (part) => {
    await part.change((now) => withCancelRequest(now, deps.clock.now()));
  });
  const planned = item.plan?.parts ?? 0; // the missing parts would continue to run, and nobody would cancel them
  if (inHand.length < planned)
    throw new RetryableError(`cancel ${jobId}: the ledger has ${inHand.length} of its ${planned} parts`);
  return { outcome, status, message, job, parts: inHand };
}

function jobOutcome(job: Job, sentAt: number): LastCancel {
  const { jobId, status, plan } = job;
  if (isOver(job)) return { at: sentAt, outcome: 'too_late', message: `cancel ${jobId}: already ${status}` };
  const held = status === 'unapproved' ? '; nothing was sent for it' : '';
  const message = `cancel ${jobId}: recorded for ${plan?.parts ?? 0} part(s)${held}`;
  return { at: sentAt, outcome: 'requested', message };
}

/** Cancels the job of the newest version that was uploaded before the message was sent. */
async function cancelKey(
  deps: Deps,
  { bucket, key }: { bucket: string; key: string },
  sentAt: number,
): Promise<RecordedCancel> {
  const pointer = await rememberCancel(deps, bucket, key, sentAt);
  for (let jobId = pointer.newest?.jobId; jobId !== undefined; ) {
    const job: Job | undefined = await deps.ledger.readJob(jobId);
    if (!job) break;
    if (job.request.lastModified <= sentAt) return cancelJob(deps, jobId, sentAt);
    jobId = job.previousJobId;
  }
  const message =
    'cancel by key: no such file yet; if it was uploaded before this request, it is cancelled when its event arrives';
  return { outcome: 'remembered', status: null, message, parts: [] };
}

async function rememberCancel(deps: Deps, bucket: string, key: string, sentAt: number): Promise<KeyPointer> {
  for (;;) {
    const pointer = (await deps.ledger.readKeyPointer(bucket, key)) ?? { bucket, key, version: 0 };
    const cancels = withCancel(pointer.cancels, sentAt);
    if (!cancels || (await deps.ledger.replaceKeyPointer({ ...pointer, cancels }))) return pointer;
  }
}

/**
 * Returns the event with the outcome of a cancel request. Its id is that of the message, so repeated events have the
 * same id.
 */
export function cancelOutcome(
  request: CancelRequest,
  recorded: Pick<RecordedCancel, 'outcome' | 'status' | 'message' | 'job'>,
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
        ...(job ? { jobId: job.ref } : {}),
      },
      data: {
        request,
        outcome,
        status,
        message: recorded.message,
        ...(job ? { requestFile: requestFileOf(job.item) } : {}),
      },
    },
  };
}

function requestFileOf({ request: { bucket, key, versionId } }: Job): RequestFileRef {
  return { bucket, key, versionId };
}
