/**
 * Advances a part or a job as far as this function can: decides the next step, carries it out or dispatches it, and
 * repeats. A failure is recorded on the item and not thrown, so that a failing item affects no other. A publication is
 * stored with the next change, or at the end.
 */
import { NotAllowed, RetryableError } from '../domain/errors.ts';
import { nextStatus, supersededReason } from '../domain/job.ts';
import { jobDueAt, nextJobStep, nextPartStep, type PartStep, workerOf } from '../domain/next-step.ts';
import { REDISPATCH_AFTER_MS } from '../domain/timing.ts';
import { withoutBackoff } from '../domain/without.ts';
import type { Ports, WorkMessage } from '../ports/ports.ts';
import { cancelPart, endPart } from './apply-observation.ts';
import { checkParts, type DeliveredPart } from './check-parts.ts';
import { ItemGone, type JobInHand, type PartInHand } from './compare-and-set.ts';
import { dispatchParts } from './dispatch-parts.ts';
import { acceptApproved, endUnapproved } from './job-hold.ts';
import { LostLease } from './lease.ts';
import { publishJob, publishPart } from './publish.ts';
import { recordJobFailure, recordPartFailure } from './record-failure.ts';
import { reportStall } from './spending/report-stall.ts';
import { cancelSecondBatches } from './spending/second-batches.ts';
import type { EventOrigin } from './status-events.ts';

export type AdvanceDeps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'bus' | 'queues'> &
  EventOrigin;

/** The result for an item. `broken` means a defect: the invocation fails after it has handled all items. */
export type StepResult = 'fine' | 'broken';

/** The steps of a part that a function carries out itself. A handler returns false if nothing remains to do here. */
export type PartStepHandlers = { [Step in PartStep['do']]?: (inHand: PartInHand) => Promise<boolean> };

/** The steps of a job that a function carries out itself. A handler returns false if nothing remains to do here. */
export interface JobStepHandlers {
  intake?: (inHand: JobInHand) => Promise<boolean>;
  /**
   * Assembles the results once every part is delivered. Without this handler, the step is dispatched if the function
   * can send the message.
   */
  finish?: (inHand: JobInHand, parts: readonly DeliveredPart[]) => Promise<boolean>;
  'clean-up'?: (inHand: JobInHand) => Promise<boolean>;
}

const MAX_STEPS = 12; // a part needs fewer; if it reaches this, a step changes nothing

/** Returns handlers for the short steps of a part that call the API and need no lease. */
export function quickPartStepHandlers(
  deps: Pick<Ports, 'clock' | 'log' | 'metrics' | 'api'>,
): PartStepHandlers {
  return {
    cancel: (inHand) => cancelPart(deps, inHand),
    'cancel-second-batches': (inHand) => cancelSecondBatches(deps, inHand),
  };
}

/**
 * Advances a part. `paused`: an operator paused submission. Errors: RetryableError if a failure could not be recorded.
 */
export async function advancePart(
  deps: AdvanceDeps,
  inHand: PartInHand,
  stepHandlers: PartStepHandlers,
  paused: boolean,
): Promise<StepResult> {
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const step = nextPartStep(inHand.item, deps.clock.now(), paused);
    try {
      if (!(await partStep(deps, inHand, step, stepHandlers))) break;
    } catch (failure) {
      return failedStep(deps, inHand, step.do, failure);
    }
  }
  await inHand.flush();
  return 'fine';
}

/** Records that a step of a part failed. Errors: RetryableError if the failure could not be recorded. */
export async function failedStep(
  deps: Pick<Ports, 'clock' | 'log' | 'metrics'>,
  inHand: PartInHand,
  step: PartStep['do'],
  failure: unknown,
): Promise<StepResult> {
  if (!isForeign(failure)) await recordPartFailure(deps, inHand, step, failure);
  return isExpected(failure) ? 'fine' : 'broken';
}

async function partStep(
  deps: AdvanceDeps,
  inHand: PartInHand,
  step: PartStep,
  stepHandlers: PartStepHandlers,
): Promise<boolean> {
  const handle = stepHandlers[step.do];
  if (handle) return handle(inHand);
  if (step.do === 'publish') {
    await publishPart(deps, inHand);
    return true;
  }
  if (step.do === 'end') return endPart(deps, inHand, step.as);
  if (step.do === 'report-stall') return reportStall(deps, inHand);
  await dispatchPartStep(deps, inHand, step);
  return false;
}

async function dispatchPartStep(deps: AdvanceDeps, inHand: PartInHand, step: PartStep): Promise<void> {
  const now = deps.clock.now();
  const { dispatchedUntil = 0, dueAt } = inHand.item;
  const to = workerOf(step);
  if (to) {
    if (dispatchedUntil > now || !deps.queues.reaches.has(to)) return;
    await inHand.change((part) => ({
      ...part,
      dispatchedUntil: now + REDISPATCH_AFTER_MS,
      ...(to === 'deliver' && { deliveryMessages: (part.deliveryMessages ?? 0) + 1 }),
    }));
    await deps.queues.send([{ to, ref: inHand.ref }]);
  } else if (step.do === 'wait' && (dueAt ?? 0) <= now) {
    // The part is due, but submission is paused, so later ticks skip it for a while.
    await inHand.change((part) => ({ ...part, dispatchedUntil: step.until }));
  } else if (step.do === 'nothing' && dueAt !== undefined) {
    await inHand.change((part) => part);
  }
}

/** Advances a job. Errors: RetryableError if a failure could not be recorded. */
export async function advanceJob(
  deps: AdvanceDeps,
  inHand: JobInHand,
  stepHandlers: JobStepHandlers,
): Promise<StepResult> {
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const step = nextJobStep(inHand.item, deps.clock.now());
    try {
      if (!(await jobStep(deps, inHand, step, stepHandlers))) break;
    } catch (failure) {
      if (!isForeign(failure)) await recordJobFailure(deps, inHand, step.do, failure);
      return isExpected(failure) ? 'fine' : 'broken';
    }
  }
  await inHand.flush();
  return 'fine';
}

/** Returns false if nothing remains to do here. */
async function jobStep(
  deps: AdvanceDeps,
  inHand: JobInHand,
  step: ReturnType<typeof nextJobStep>,
  stepHandlers: JobStepHandlers,
): Promise<boolean> {
  const jobId = inHand.ref;
  switch (step.do) {
    case 'publish':
      await publishJob(deps, inHand);
      return true;
    case 'dispatch-parts':
      if (!deps.queues.reaches.has('submit')) return false;
      await dispatchParts(deps, inHand);
      return false;
    case 'end-unread':
      return endUnread(deps, inHand);
    case 'accept':
      await acceptApproved(deps, inHand);
      return true;
    case 'end-unapproved':
      await endUnapproved(deps, inHand);
      return true;
    case 'intake':
      return stepHandlers.intake
        ? stepHandlers.intake(inHand)
        : dispatchJobStep(deps, inHand, { to: 'intake', jobId });
    case 'clean-up':
      return stepHandlers['clean-up']
        ? stepHandlers['clean-up'](inHand)
        : dispatchJobStep(deps, inHand, { to: 'finish', jobId });
    case 'check-parts':
      return stepHandlers.finish || deps.queues.reaches.has('finish')
        ? checkPartsOf(deps, inHand, stepHandlers.finish)
        : false;
    case 'wait':
    case 'nothing':
      if (jobDueAt(inHand.item, deps.clock.now()) !== inHand.item.dueAt) await inHand.change((job) => job);
      return false;
  }
}

async function checkPartsOf(
  deps: AdvanceDeps,
  inHand: JobInHand,
  finish: JobStepHandlers['finish'],
): Promise<boolean> {
  const parts = await checkParts(deps, inHand);
  const { rev, publishedRev } = inHand.item;
  if (rev > publishedRev) return true;
  if (!parts) return false;
  return finish ? finish(inHand, parts) : dispatchJobStep(deps, inHand, { to: 'finish', jobId: inHand.ref });
}

async function dispatchJobStep(deps: AdvanceDeps, inHand: JobInHand, message: WorkMessage): Promise<false> {
  const now = deps.clock.now();
  if ((inHand.item.dispatchedUntil ?? 0) > now || !deps.queues.reaches.has(message.to)) return false;
  await inHand.change((job) => ({ ...job, dispatchedUntil: now + REDISPATCH_AFTER_MS }));
  await deps.queues.send([message]);
  return false;
}

/** Ends a job that was cancelled before it had a plan. Nothing was sent, so there are no rows to account for. */
function endUnread({ clock }: AdvanceDeps, inHand: JobInHand): Promise<boolean> {
  const { supersededBy } = inHand.item;
  const reason =
    supersededBy === undefined
      ? { code: 'cancelled', message: 'cancelled before the file was read' }
      : supersededReason(supersededBy);
  return inHand.change((job) => {
    if (job.status !== 'received' || job.cancelRequestedAt === undefined) return undefined;
    return { ...withoutBackoff(job), ...nextStatus(job, 'cancelled', clock.now()), reason };
  });
}

/** Returns whether another invocation has the item, or the item is gone. Then this invocation records nothing on it. */
function isForeign(failure: unknown): boolean {
  return failure instanceof LostLease || failure instanceof ItemGone;
}

function isExpected(failure: unknown): boolean {
  return failure instanceof RetryableError || failure instanceof NotAllowed || isForeign(failure);
}
