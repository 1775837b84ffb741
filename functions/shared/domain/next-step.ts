/**
 * Decides the next step of a part or a job: a pure, total function, and the only place of this decision. SUBMIT, POLL,
 * DELIVER and CANCEL carry the steps out. They differ only in what invokes them and in the steps they carry out.
 *
 * The steps of a part, in the order of its life:
 *   0. await-admission      wait for capacity, before the first attempt or a later one: POLL admits the part
 *   1. begin                write a new intent
 *   2. upload               upload the rows as a file, and save the file's id on the intent
 *   3. create               save the last moment of sending (`sendBy`), then send POST /batches once
 *   4. search               the response was lost: search the list for a batch of the intent or with its file, and adopt
 *                           it. After a temporary refusal of the create: search before it is sent again
 *   5. abandon              two searches, a settling time apart, found nothing: delete the file and search once more.
 *                           The create is then unresolved (`unresolved-creates.ts`). After the first one, the
 *                           part begins again; after the next one, it stalls
 *   6. observe              a batch is known: retrieve it, and publish each change before the next is applied
 *   7. cancel               a user requested a cancel: send it to the API
 *   8. retry                the batch was rejected for the token limit: write a new intent for the same file
 *   9. deliver              store the results and account for every row. Then nothing remains to do
 *
 * A stalled part waits for a person: `report-stall` keeps the alarm on, and `adopt` adopts a batch that the person
 * found. In any phase, `cancel-second-batches` cancels a second batch of the part until it is known to have ended.
 *
 * Known gap: the API may create a batch after the settling time of its request. POLL cancels it when it appears on a
 * page of the list; the search after the job's end does the same (`second-batch-search.ts`). Until then, the work of up
 * to `MAX_UNRESOLVED` batches can be billed twice.
 */

import { isOver, type Job, type JobIn } from './job.ts';
import { type OpenBatch, openBatchOf } from './open-batch.ts';
import type { Part, PartIn } from './part.ts';
import { CANCEL_AGAIN_MS, MAX_TRIES, PAUSE_CHECK_MS, SETTLING_MS, UNSEEN_SETTLING_MS } from './timing.ts';
import { type WaitingPart, waitingPartOf } from './waiting/admission-queue.ts';

/** Steps that SUBMIT carries out. */
export const SUBMISSION_STEPS = ['begin', 'upload', 'create', 'search', 'abandon', 'adopt', 'retry'] as const;
type SubmissionStep = (typeof SUBMISSION_STEPS)[number];

export type PartStep =
  | { do: 'nothing' }
  | { do: 'wait'; until: number }
  | { do: 'publish' | 'await-admission' | 'observe' | 'cancel' | 'cancel-second-batches' | 'report-stall' }
  | { do: 'end'; as: 'cancelled' | 'failed' }
  | { do: SubmissionStep }
  | { do: 'deliver' };

/** Returns the only function that may carry out the step; undefined if several may. */
export function workerOf(step: PartStep): 'submit' | 'deliver' | undefined {
  if (SUBMISSION_STEPS.some((name) => name === step.do)) return 'submit';
  return step.do === 'deliver' ? 'deliver' : undefined;
}

/** Returns the part's next step. `paused`: an operator paused submission. */
export function nextPartStep(part: Part, now: number, paused: boolean): PartStep {
  if (part.phase === 'planned') return { do: 'nothing' };
  const step = ownStep(part, now, paused);
  const cancelAt = Math.min(...(part.openSecondBatches ?? []).map((second) => second.cancelAt));
  if (cancelAt <= now) return { do: 'cancel-second-batches' };
  const isLater = step.do === 'nothing' || (step.do === 'wait' && step.until > cancelAt);
  return isLater && Number.isFinite(cancelAt) ? { do: 'wait', until: cancelAt } : step;
}

/** Returns the next step, apart from second batches. */
function ownStep(part: Exclude<Part, { phase: 'planned' }>, now: number, paused: boolean): PartStep {
  // Before `publish`: a cancelled batch must not keep running because the event bus refuses entries.
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
      return inBackoff(part, now) ?? stepWhileCreating(part, now);
    case 'stalled':
      if (isCancelled) return { do: 'end', as: 'cancelled' };
      return inBackoff(part, now) ?? { do: part.adopt ? 'adopt' : 'report-stall' };
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

function stepWhileCreating(part: PartIn<'creating'>, now: number): PartStep {
  const { foundNothingAt } = part.intent;
  if (foundNothingAt === undefined) return { do: 'search' };
  return now >= settledAt(part, foundNothingAt) ? { do: 'abandon' } : { do: 'search' };
}

/**
 * Returns when a create counts as unresolved. This takes longer if the API once returned a batch id, because that batch
 * may reappear. `foundNothingAt`: when a search first found nothing.
 */
export function settledAt({ intent, unseen }: PartIn<'creating'>, foundNothingAt: number): number {
  return Math.max(intent.sendBy, foundNothingAt) + (unseen ? UNSEEN_SETTLING_MS : SETTLING_MS);
}

function isCancelDue({ cancelRequestedAt, cancelSentAt, batch }: PartIn<'running'>, now: number): boolean {
  if (cancelRequestedAt === undefined || batch.status === 'cancelling') return false;
  return cancelSentAt === undefined || now - cancelSentAt >= CANCEL_AGAIN_MS;
}

function stepAtTheEnd(part: Part, now: number): PartStep {
  const backoff = isReleasedFromResultsWait(part) ? undefined : inBackoff(part, now);
  return backoff ?? { do: 'deliver' };
}

/** Returns whether an operator ended the wait for the next check of the results. Other backoffs still apply. */
function isReleasedFromResultsWait({ resultsWait, releasedAt, backoffUntil }: Part): boolean {
  if (resultsWait === undefined || releasedAt === undefined) return false;
  return releasedAt >= resultsWait.since && backoffUntil === resultsWait.until;
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
  | { do: 'publish' | 'intake' | 'end-unread' | 'dispatch-parts' | 'check-parts' | 'clean-up' }
  | { do: 'accept' | 'end-unapproved' };

/** Returns the job's next step. The step `check-parts` reads the job's parts. */
export function nextJobStep(job: Job, now: number): JobStep {
  if (job.rev > job.publishedRev) return { do: 'publish' };
  if (isOver(job) && job.cleanedUp) return { do: 'nothing' };
  if (job.lease && job.lease.until > now) return { do: 'wait', until: job.lease.until };
  const backoff = inBackoff(job, now);
  switch (job.status) {
    case 'received':
      return job.cancelRequestedAt === undefined ? (backoff ?? { do: 'intake' }) : { do: 'end-unread' };
    case 'unapproved':
      return stepWhileHeld(job, now);
    case 'accepted':
    case 'submitted':
      return backoff ?? { do: job.partsDispatched ? 'check-parts' : 'dispatch-parts' };
    case 'completed':
    case 'expired':
    case 'failed':
    case 'cancelled':
    case 'rejected':
    case 'joined':
      if (job.secondCleanUpAt !== undefined && job.secondCleanUpAt > now)
        return { do: 'wait', until: job.secondCleanUpAt };
      return backoff ?? { do: 'clean-up' };
  }
}

/**
 * Nothing is sent for a job that is held: it is accepted once somebody approved it, and ends when a cancel was requested
 * or its time is over. A cancel counts more than an approval, and an approval more than the time.
 */
function stepWhileHeld({ hold, approvedAt, cancelRequestedAt }: JobIn<'unapproved'>, now: number): JobStep {
  if (cancelRequestedAt !== undefined) return { do: 'end-unapproved' };
  if (approvedAt !== undefined) return { do: 'accept' };
  return now < hold.until ? { do: 'wait', until: hold.until } : { do: 'end-unapproved' };
}

/** Returns when POLL must handle the part; undefined: never. Every write of the item stores this time. */
export function partDueAt(part: Part, now: number): number | undefined {
  return dueAt(nextPartStep(part, now, false), part.dispatchedUntil, now);
}

/** Returns when POLL must handle the job; undefined: never. */
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
  return isDispatched(step) ? Math.max(now, dispatchedUntil ?? now) : now;
}

/** Returns whether a message for the step may be under way. POLL carries out all other steps itself. */
function isDispatched({ do: step }: PartStep | JobStep): boolean {
  switch (step) {
    case 'publish':
    case 'observe':
    case 'cancel':
    case 'cancel-second-batches':
    case 'report-stall':
    case 'await-admission':
    case 'accept':
    case 'end-unapproved':
      return false;
    default:
      return true;
  }
}

/** What the `due` index stores of a part besides its key. If a field is present, POLL need not read the part. */
export interface DueProjection {
  /** Present if the part's batch only has to be observed, whatever the time. */
  open?: OpenBatch;
  /** Present if the part only waits for admission, whatever the time. */
  waits?: WaitingPart;
}

/** Returns the part's projection in the `due` index. It is empty when the next step depends on the time. */
export function dueProjectionOf(part: Part): DueProjection {
  if (part.cancelRequestedAt !== undefined || part.lease || part.rev > part.publishedRev) return {};
  if (part.openSecondBatches) return {};
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
