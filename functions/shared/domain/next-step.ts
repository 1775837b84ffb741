/**
 * What has to happen next to a part or a job: pure, total, and the only place where it is decided. SUBMIT, POLL,
 * DELIVER and CANCEL carry the answers out; they differ only in what wakes them and which steps they carry.
 *
 * The life of a part, in the order of the steps:
 *   0. await-admission  it waits for capacity, before its first attempt or a later one: POLL lets it on (`capacity.ts`)
 *   1. begin    a fresh intent is written: from here on the part is somebody's business
 *   2. upload   its rows become a file at the API; the file's id is saved on the intent
 *   3. create   the last moment of sending is noted (`sendBy`), then POST /batches, once
 *   4. look     the answer was lost: search the list for a batch on the intent's file, adopt it if there is one
 *   5. abandon  nothing found, twice, a settling time apart: delete the file, look once more, then a new intent
 *   6. observe  a batch is known: retrieve it; each change is published before the next is applied
 *   7. cancel   somebody wished so and the API has not been told
 *   8. retry    the batch ended without running for a passing reason: a new intent on the same file
 *   9. sweep    the part has abandoned files: look for batches on them a last time
 *  10. deliver  store the results and account for every row; after it nothing is left to do
 *
 * Known gaps: a batch accepted later than the settling time after its request is found only by the sweep, so up to
 * one batch's work can then be billed twice; it is cancelled and reported.
 */
import { hasEnded } from '../contract/batch-status.ts';
import type { Job } from './job.ts';
import type { Intent, Part } from './part.ts';
import {
  CANCEL_AGAIN_MS,
  LATE_BATCH_SEARCH_AFTER_MS,
  MAX_TRIES,
  PAUSE_CHECK_MS,
  SETTLING_MS,
} from './timing.ts';

export type PartStep =
  | { do: 'nothing' }
  | { do: 'wait'; until: number }
  | { do: 'publish' }
  | { do: 'await-admission' }
  | { do: 'begin' }
  | { do: 'upload' }
  | { do: 'create' }
  | { do: 'search' }
  | { do: 'abandon' }
  | { do: 'observe' }
  | { do: 'cancel' }
  | { do: 'end'; as: 'cancelled' | 'failed' }
  | { do: 'retry' }
  | { do: 'cancel-late-batches' }
  | { do: 'deliver' };

/** The next step of a part as it is known now. */
export function nextPartStep(part: Part, now: number, paused: boolean): PartStep {
  if (!part.active) return { do: 'nothing' };
  if (part.batch && !part.ended && isToBeCancelled(part, part.batch.status, now))
    return inBackoff(part, now) ?? { do: 'cancel' };
  if (part.rev > part.publishedRev) return { do: 'publish' };
  if (part.delivered) return { do: 'nothing' };
  if (part.lease && part.lease.until > now) return { do: 'wait', until: part.lease.until };
  if (part.ended) return inBackoff(part, now) ?? stepAtTheEnd(part, now);
  if (part.batch) return stepWithBatch(part, part.batch.status, now, paused);
  if (part.intent?.sendBy !== undefined) {
    return inBackoff(part, now) ?? stepWhileUnsure(part.intent, part.intent.sendBy, now);
  }
  return stepBeforeBatch(part, now, paused);
}

function stepBeforeBatch(part: Part, now: number, paused: boolean): PartStep {
  if (part.cancelRequestedAt !== undefined) return { do: 'end', as: 'cancelled' };
  if (part.tries >= MAX_TRIES) return { do: 'end', as: 'failed' };
  if (part.waiting) return { do: 'await-admission' };
  const waiting = inBackoff(part, now);
  if (waiting) return waiting;
  if (paused) return { do: 'wait', until: now + PAUSE_CHECK_MS };
  if (!part.intent) return { do: 'begin' };
  return part.intent.fileId === undefined ? { do: 'upload' } : { do: 'create' };
}

function stepWhileUnsure(intent: Intent, sendBy: number, now: number): PartStep {
  if (intent.foundNothingAt === undefined) return { do: 'search' };
  const settled = Math.max(sendBy, intent.foundNothingAt) + SETTLING_MS;
  return now >= settled ? { do: 'abandon' } : { do: 'search' };
}

function stepWithBatch(part: Part, status: string, now: number, paused: boolean): PartStep {
  const waiting = inBackoff(part, now);
  if (hasEnded(status)) {
    if (!part.willRetry || part.cancelRequestedAt !== undefined) return waiting ?? stepAtTheEnd(part, now);
    if (part.waiting) return { do: 'await-admission' };
    if (waiting) return waiting;
    return paused ? { do: 'wait', until: now + PAUSE_CHECK_MS } : { do: 'retry' };
  }
  return waiting ?? { do: 'observe' };
}

/** Comes even before publishing: a bus that refuses entries must not keep a batch running. */
function isToBeCancelled(part: Part, status: string, now: number): boolean {
  if (part.cancelRequestedAt === undefined || hasEnded(status) || status === 'cancelling') return false;
  return part.cancelSentAt === undefined || now - part.cancelSentAt >= CANCEL_AGAIN_MS;
}

/** A part that ends soon after a file was given up waits: what the list did not show then, it may not show yet. */
function stepAtTheEnd(part: Part, now: number): PartStep {
  if (part.abandoned.length === 0 || part.lateBatchesCancelled) return { do: 'deliver' };
  const from =
    Math.max(...part.abandoned.map(({ givenUpAt }) => givenUpAt ?? 0)) + LATE_BATCH_SEARCH_AFTER_MS;
  return now < from ? { do: 'wait', until: from } : { do: 'cancel-late-batches' };
}

function inBackoff(item: { backoffUntil?: number }, now: number): { do: 'wait'; until: number } | undefined {
  return item.backoffUntil !== undefined && item.backoffUntil > now
    ? { do: 'wait', until: item.backoffUntil }
    : undefined;
}

type JobStep =
  | { do: 'nothing' }
  | { do: 'wait'; until: number }
  | { do: 'publish' }
  | { do: 'intake' }
  | { do: 'end-unread' }
  | { do: 'dispatch-parts' }
  | { do: 'check-parts' }
  | { do: 'clean-up' };

/** The next step of a job as it is known now; what its parts do is looked at in `check-parts`. */
export function nextJobStep(job: Job, now: number): JobStep {
  if (job.rev > job.publishedRev) return { do: 'publish' };
  if (job.cleanedUp) return { do: 'nothing' };
  if (job.lease && job.lease.until > now) return { do: 'wait', until: job.lease.until };
  const waiting = inBackoff(job, now);
  switch (job.status) {
    case 'received':
      if (job.cancelRequestedAt !== undefined) return { do: 'end-unread' };
      return waiting ?? { do: 'intake' };
    case 'accepted':
    case 'submitted':
      return waiting ?? { do: job.partsDispatched ? 'check-parts' : 'dispatch-parts' };
    case 'completed':
    case 'expired':
    case 'failed':
    case 'cancelled':
    case 'rejected':
    case 'joined':
      if (!job.plan && !job.scan) return { do: 'nothing' };
      if (job.secondCleanUpAt !== undefined && job.secondCleanUpAt > now)
        return { do: 'wait', until: job.secondCleanUpAt };
      return waiting ?? { do: 'clean-up' };
  }
}

/** When the reconciler has to look at a part again; undefined: never. Written with every change of the item. */
export function partDueAt(part: Part, now: number): number | undefined {
  return dueAt(nextPartStep(part, now, false), part.dispatchedUntil, now);
}

/** When the reconciler has to look at a job again; undefined: never. */
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
