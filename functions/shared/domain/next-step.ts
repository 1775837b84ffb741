/**
 * What has to happen next to a part or a job: pure, total, and the only place where it is decided. SUBMIT, POLL, DELIVER
 * and CANCEL carry the steps out; they differ only in what wakes them and in which steps they carry out.
 *
 * The steps of a part, in the order of its life:
 *   0. await-admission      it waits for capacity, before its first attempt or a later one: POLL admits it
 *   1. begin                a new intent is written
 *   2. upload               its rows become a file at the API; the file's id is saved on the intent
 *   3. create               the last moment of sending is saved (`sendBy`), then POST /batches is sent, once
 *   4. search               the response was lost: search the list for a batch on the intent's file, adopt it if there is one
 *   5. abandon              nothing found twice, a settling time apart: delete the file, search once more, then a new intent
 *   6. observe              the batch is known: retrieve it; each change is published before the next is applied
 *   7. cancel               a cancel was requested and the API has not been told
 *   8. retry                the batch ended without running for a passing reason: a new intent on the same file
 *   9. cancel-late-batches  the part has abandoned files: search for batches on them a last time
 *  10. deliver              store the results and account for every row; after it nothing is left to do
 *
 * Known gaps: a batch accepted later than the settling time after its request is found only by `cancel-late-batches`, so up
 * to one batch's work can then be billed twice; it is cancelled and reported.
 */
import { type WaitingPart, waitingPartOf } from './admission-queue.ts';
import { isOver, type Job } from './job.ts';
import { type OpenBatch, openBatchOf } from './open-batch.ts';
import type { Part, PartIn, SentIntent } from './part.ts';
import {
  CANCEL_AGAIN_MS,
  LATE_BATCH_SEARCH_AFTER_MS,
  MAX_TRIES,
  PAUSE_CHECK_MS,
  SETTLING_MS,
} from './timing.ts';

/** Steps that SUBMIT carries out. */
export const SUBMISSION_STEPS = ['begin', 'upload', 'create', 'search', 'abandon', 'retry'] as const;
type SubmissionStep = (typeof SUBMISSION_STEPS)[number];

/** Steps that DELIVER carries out. */
const DELIVERY_STEPS = ['cancel-late-batches', 'deliver'] as const;
type DeliveryStep = (typeof DELIVERY_STEPS)[number];

export type PartStep =
  | { do: 'nothing' }
  | { do: 'wait'; until: number }
  | { do: 'publish' | 'await-admission' | 'observe' | 'cancel' }
  | { do: 'end'; as: 'cancelled' | 'failed' }
  | { do: SubmissionStep }
  | { do: DeliveryStep };

/** The function that carries the step out, where only one may. */
export function workerOf(step: PartStep): 'submit' | 'deliver' | undefined {
  if (SUBMISSION_STEPS.some((name) => name === step.do)) return 'submit';
  return DELIVERY_STEPS.some((name) => name === step.do) ? 'deliver' : undefined;
}

/** The next step of a part as it is known now. `paused`: an operator paused submission. */
export function nextPartStep(part: Part, now: number, paused: boolean): PartStep {
  if (part.phase === 'planned') return { do: 'nothing' };
  // Before publishing: a bus that refuses entries must not keep a batch running.
  if (part.phase === 'running' && isCancelDue(part, now)) return inBackoff(part, now) ?? { do: 'cancel' };
  if (part.rev > part.publishedRev) return { do: 'publish' };
  if (part.phase === 'delivered') return { do: 'nothing' };
  if (part.lease && part.lease.until > now) return { do: 'wait', until: part.lease.until };
  return stepInPhase(part, now, paused);
}

function stepInPhase(
  part: Exclude<Part, { phase: 'planned' | 'delivered' }>,
  now: number,
  paused: boolean,
): PartStep {
  const isCancelled = part.cancelRequestedAt !== undefined;
  switch (part.phase) {
    case 'waiting':
    case 'ready':
    case 'uploading':
    case 'uploaded':
      return isCancelled ? { do: 'end', as: 'cancelled' } : stepBeforeBatch(part, now, paused);
    case 'creating':
      return inBackoff(part, now) ?? stepWhileUnsure(part.intent, now);
    case 'running':
      return inBackoff(part, now) ?? { do: 'observe' };
    case 'requeued':
      return isCancelled ? stepAtTheEnd(part, now) : { do: 'await-admission' };
    case 'retrying':
      if (isCancelled) return stepAtTheEnd(part, now);
      return inBackoff(part, now) ?? (paused ? afterPause(now) : { do: 'retry' });
    case 'batch_ended':
    case 'ended':
      return stepAtTheEnd(part, now);
  }
}

function stepBeforeBatch(
  part: PartIn<'waiting' | 'ready' | 'uploading' | 'uploaded'>,
  now: number,
  paused: boolean,
): PartStep {
  if (part.phase === 'waiting') return { do: 'await-admission' };
  if (part.tries >= MAX_TRIES) return { do: 'end', as: 'failed' };
  const backoff = inBackoff(part, now);
  if (backoff) return backoff;
  if (paused) return afterPause(now);
  if (part.phase === 'ready') return { do: 'begin' };
  return { do: part.phase === 'uploading' ? 'upload' : 'create' };
}

function stepWhileUnsure({ foundNothingAt, sendBy }: SentIntent, now: number): PartStep {
  if (foundNothingAt === undefined) return { do: 'search' };
  const settled = Math.max(sendBy, foundNothingAt) + SETTLING_MS;
  return now >= settled ? { do: 'abandon' } : { do: 'search' };
}

function isCancelDue({ cancelRequestedAt, cancelSentAt, batch }: PartIn<'running'>, now: number): boolean {
  if (cancelRequestedAt === undefined || batch.status === 'cancelling') return false;
  return cancelSentAt === undefined || now - cancelSentAt >= CANCEL_AGAIN_MS;
}

/** A part that ends soon after a file was abandoned waits: what the list did not show then, it may not show yet. */
function stepAtTheEnd(part: Part, now: number): PartStep {
  const backoff = inBackoff(part, now);
  if (backoff) return backoff;
  if (part.abandoned.length === 0 || part.lateBatchesCancelled) return { do: 'deliver' };
  const from =
    Math.max(...part.abandoned.map(({ givenUpAt }) => givenUpAt ?? 0)) + LATE_BATCH_SEARCH_AFTER_MS;
  return now < from ? { do: 'wait', until: from } : { do: 'cancel-late-batches' };
}

function afterPause(now: number): PartStep {
  return { do: 'wait', until: now + PAUSE_CHECK_MS };
}

function inBackoff(item: { backoffUntil?: number }, now: number): { do: 'wait'; until: number } | undefined {
  return item.backoffUntil !== undefined && item.backoffUntil > now
    ? { do: 'wait', until: item.backoffUntil }
    : undefined;
}

type JobStep =
  | { do: 'nothing' }
  | { do: 'wait'; until: number }
  | { do: 'publish' | 'intake' | 'end-unread' | 'dispatch-parts' | 'check-parts' | 'clean-up' };

/** The next step of a job as it is known now; what its parts do is looked up in `check-parts`. */
export function nextJobStep(job: Job, now: number): JobStep {
  if (job.rev > job.publishedRev) return { do: 'publish' };
  if (isOver(job) && job.cleanedUp) return { do: 'nothing' };
  if (job.lease && job.lease.until > now) return { do: 'wait', until: job.lease.until };
  const backoff = inBackoff(job, now);
  switch (job.status) {
    case 'received':
      return job.cancelRequestedAt === undefined ? (backoff ?? { do: 'intake' }) : { do: 'end-unread' };
    case 'accepted':
    case 'submitted':
      return backoff ?? { do: job.partsDispatched ? 'check-parts' : 'dispatch-parts' };
    case 'completed':
    case 'expired':
    case 'failed':
    case 'cancelled':
    case 'rejected':
    case 'joined':
      if (!job.plan && !job.scan) return { do: 'nothing' };
      if (job.secondCleanUpAt !== undefined && job.secondCleanUpAt > now)
        return { do: 'wait', until: job.secondCleanUpAt };
      return backoff ?? { do: 'clean-up' };
  }
}

/** When the reconciler has to serve a part again; undefined: never. Written with every change of the item. */
export function partDueAt(part: Part, now: number): number | undefined {
  return dueAt(nextPartStep(part, now, false), part.dispatchedUntil, now);
}

/** When the reconciler has to serve a job again; undefined: never. */
export function jobDueAt(job: Job, now: number): number | undefined {
  return dueAt(nextJobStep(job, now), job.dispatchedUntil, now);
}

function dueAt(
  step: PartStep | JobStep,
  dispatchedUntil: number | undefined,
  now: number,
): number | undefined {
  if (step.do === 'nothing') return undefined;
  if (step.do === 'wait') return step.until;
  if (step.do === 'publish' || step.do === 'observe' || step.do === 'cancel' || step.do === 'await-admission')
    return now;
  return Math.max(now, dispatchedUntil ?? now);
}

/** What the `due` index says of a part beside its key: then a tick need not read the part. */
export interface DueProjection {
  /** Observing its batch is all there is to do, whatever the time. */
  open?: OpenBatch;
  /** Waiting for admission is all there is to do, whatever the time. */
  waits?: WaitingPart;
}

/** The part's projection into the `due` index. What depends on the time, such as a cancel to be sent again, has none. */
export function dueProjectionOf(part: Part): DueProjection {
  if (part.cancelRequestedAt !== undefined || part.lease || part.rev > part.publishedRev) return {};
  switch (part.phase) {
    case 'running':
      return part.backoffUntil === undefined ? { open: openBatchOf(part) } : {};
    case 'waiting':
    case 'requeued':
      return { waits: waitingPartOf(part) };
    default:
      return {};
  }
}
