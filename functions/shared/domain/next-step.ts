/**
 * Decides the next step of a part or a job: a pure, total function, and the only place of this decision. SUBMIT, POLL,
 * DELIVER and CANCEL carry the steps out. They differ only in what invokes them and in the steps they carry out.
 *
 * The steps of a part, in the order of its life:
 *   0. await-admission      wait for capacity, before the first attempt or a later one: POLL admits the part
 *   1. begin                write a new intent
 *   2. upload               upload the rows as a file, and save the file's id on the intent
 *   3. create               save the last moment of sending (`sendBy`), then send POST /batches once
 *   4. search               the response was lost: search the list for a batch on the intent's file, and adopt it
 *   5. abandon              two searches, a settling time apart, found nothing: delete the file, search once more, and
 *                           begin again
 *   6. observe              the batch is known: retrieve it; publish each change before the next is applied
 *   7. cancel               a cancel was requested: send it to the API
 *   8. retry                the batch was rejected for the token limit: write a new intent for the same file
 *   9. cancel-late-batches  the part has abandoned files: search for batches on them a last time
 *  10. deliver              store the results and account for every row; nothing remains to do
 *
 * Known gap: the API may accept a batch later than the settling time after its request. Only `cancel-late-batches` then
 * finds, cancels and reports it, so the work of up to one batch can be billed twice.
 */

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
import { type WaitingPart, waitingPartOf } from './waiting/admission-queue.ts';

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

/** Returns the function that alone may carry out the step; undefined when others may. */
export function workerOf(step: PartStep): 'submit' | 'deliver' | undefined {
  if (SUBMISSION_STEPS.some((name) => name === step.do)) return 'submit';
  return DELIVERY_STEPS.some((name) => name === step.do) ? 'deliver' : undefined;
}

/** Returns the part's next step. `paused`: an operator paused submission. */
export function nextPartStep(part: Part, now: number, paused: boolean): PartStep {
  if (part.phase === 'planned') return { do: 'nothing' };
  // Before `publish`: an event bus that refuses entries must not keep a cancelled batch running.
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
      return inBackoff(part, now) ?? stepWhileCreating(part.intent, now);
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

function stepWhileCreating({ foundNothingAt, sendBy }: SentIntent, now: number): PartStep {
  if (foundNothingAt === undefined) return { do: 'search' };
  const settled = Math.max(sendBy, foundNothingAt) + SETTLING_MS;
  return now >= settled ? { do: 'abandon' } : { do: 'search' };
}

function isCancelDue({ cancelRequestedAt, cancelSentAt, batch }: PartIn<'running'>, now: number): boolean {
  if (cancelRequestedAt === undefined || batch.status === 'cancelling') return false;
  return cancelSentAt === undefined || now - cancelSentAt >= CANCEL_AGAIN_MS;
}

/** A part that ends soon after it abandoned a file waits: a late batch may not be on the list yet. */
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

/** Returns the job's next step. The step `check-parts` reads the job's parts. */
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

/** Returns when the reconciler has to serve the part; undefined: never. Every change of the item stores it. */
export function partDueAt(part: Part, now: number): number | undefined {
  return dueAt(nextPartStep(part, now, false), part.dispatchedUntil, now);
}

/** Returns when the reconciler has to serve the job; undefined: never. */
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

/** What the `due` index stores of a part besides its key: a tick need not read a part with one of these. */
export interface DueProjection {
  /** Present when the part's batch only has to be observed, at any time. */
  open?: OpenBatch;
  /** Present when the part only waits for admission, at any time. */
  waits?: WaitingPart;
}

/** Returns the part's projection in the `due` index. It is empty when the next step depends on the time. */
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
