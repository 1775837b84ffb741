/**
 * Takes a part or a job as far as this function can: read it, ask what is next, carry it out or hand it on, again. A
 * failure is noted on the item and never thrown further, so that one bad item harms no other.
 */

import { NotAllowed, RetryableError } from '../domain/errors.ts';
import { inStatus, type Job } from '../domain/job.ts';
import { jobDueAt, nextJobStep, nextPartStep, type PartStep } from '../domain/next-step.ts';
import type { Part, PartRef } from '../domain/part.ts';
import { MESSAGE_PATIENCE_MS } from '../domain/timing.ts';
import type { Ports, WorkMessage } from '../ports/ports.ts';
import { cancelPart, endPart } from './apply-observation.ts';
import { checkParts } from './check-parts.ts';
import { changeJob, changePart, without } from './compare-and-set.ts';
import { dispatchParts } from './dispatch-parts.ts';
import { LostLease } from './lease.ts';
import { publishJob, publishPart } from './publish.ts';
import { recordJobFailure, recordPartFailure } from './record-failure.ts';
import type { EventOrigin } from './status-events.ts';

export type AdvanceDeps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'bus' | 'queues'> &
  EventOrigin;

/** How an item fared: `broken` means a defect, which ends the invocation red once all items were served. */
export type StepResult = 'fine' | 'broken';

/** Steps that a function carries out itself, each for as long as it likes; false when it changed nothing. */
type PartStepHandlers = { [Step in PartStep['do']]?: (part: Part) => Promise<unknown> };

const MAX_STEPS = 12; // a part's whole life takes fewer; more means a step that changes nothing

/** The steps of a part that need the API but neither a lease nor long. */
export function quickPartStepHandlers(
  deps: Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>,
): PartStepHandlers {
  return { cancel: (part) => cancelPart(deps, part) };
}

/** Errors: RetryableError, when not even the failure could be noted. */
export async function advancePart(
  deps: AdvanceDeps,
  ref: PartRef,
  stepHandlers: PartStepHandlers,
  paused: boolean,
): Promise<StepResult> {
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const part = await deps.ledger.readPart(ref);
    if (!part) return 'fine';
    const step = nextPartStep(part, deps.clock.now(), paused);
    const handle = stepHandlers[step.do] ?? builtIn(deps, step);
    if (!handle) {
      await dispatchPartStep(deps, part, step);
      return 'fine';
    }
    try {
      const news = await handle(part);
      if (news === false) return 'fine';
    } catch (failure) {
      return failedStep(deps, ref, step.do, failure);
    }
  }
  return 'fine';
}

/** Notes that a step of a part has failed. Errors: RetryableError, when not even that could be noted. */
export async function failedStep(
  deps: Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics'>,
  ref: PartRef,
  step: PartStep['do'],
  failure: unknown,
): Promise<StepResult> {
  await recordPartFailure(deps, ref, step, failure);
  return isExpected(failure) ? 'fine' : 'broken';
}

function builtIn(deps: AdvanceDeps, step: PartStep): ((part: Part) => Promise<unknown>) | undefined {
  if (step.do === 'publish') return (part) => publishPart(deps, part);
  if (step.do === 'end') return (part) => endPart(deps, part, step.as);
  return undefined;
}

const TO_SUBMIT: ReadonlySet<PartStep['do']> = new Set([
  'begin',
  'upload',
  'create',
  'search',
  'abandon',
  'retry',
]);
const TO_DELIVER: ReadonlySet<PartStep['do']> = new Set(['cancel-late-batches', 'deliver']);

async function dispatchPartStep(deps: AdvanceDeps, part: Part, step: PartStep): Promise<void> {
  const { jobId, planId, number } = part;
  const ref = { jobId, planId, number };
  const now = deps.clock.now();
  let message: WorkMessage | undefined;
  if (TO_SUBMIT.has(step.do)) message = { to: 'submit', ref };
  if (TO_DELIVER.has(step.do)) message = { to: 'deliver', ref };
  if (message) {
    if ((part.dispatchedUntil ?? 0) > now || !deps.queues.reaches.has(message.to)) return;
    await changePart(deps, ref, (p) => ({ ...p, dispatchedUntil: now + MESSAGE_PATIENCE_MS }));
    await deps.queues.send([message]);
    return;
  }
  if (step.do === 'wait' && (part.dueAt ?? 0) <= now) {
    // A paused part is due and yet to wait: not at every tick.
    await changePart(deps, ref, (p) => ({ ...p, dispatchedUntil: step.until }));
  } else if (step.do === 'nothing' && part.dueAt !== undefined) {
    await changePart(deps, ref, (p) => ({ ...p }));
  }
}

/** Steps of a job that a function carries out itself. */
interface JobStepHandlers {
  intake?: (job: Job) => Promise<unknown>;
  /** Every part is delivered: put the results together. */
  finish?: (job: Job) => Promise<unknown>;
  'clean-up'?: (job: Job) => Promise<unknown>;
}

/** Errors: RetryableError, when not even the failure could be noted. */
export async function advanceJob(
  deps: AdvanceDeps,
  jobId: string,
  stepHandlers: JobStepHandlers,
): Promise<StepResult> {
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const job = await deps.ledger.readJob(jobId);
    if (!job) return 'fine';
    const step = nextJobStep(job, deps.clock.now());
    try {
      if (!(await jobStep(deps, job, step, stepHandlers))) return 'fine';
    } catch (failure) {
      await recordJobFailure(deps, jobId, step.do, failure);
      return isExpected(failure) ? 'fine' : 'broken';
    }
  }
  return 'fine';
}

/** False when there is nothing more to do here. */
async function jobStep(
  deps: AdvanceDeps,
  job: Job,
  step: ReturnType<typeof nextJobStep>,
  stepHandlers: JobStepHandlers,
): Promise<boolean> {
  switch (step.do) {
    case 'publish':
      await publishJob(deps, job);
      return true;
    case 'dispatch-parts':
      if (!deps.queues.reaches.has('submit')) return false;
      await dispatchParts(deps, job);
      return true;
    case 'end-unread':
      await endUnread(deps, job);
      return true;
    case 'intake':
      return stepHandlers.intake
        ? handled(stepHandlers.intake, job)
        : dispatchJobStep(deps, job, { to: 'intake', jobId: job.jobId });
    case 'clean-up':
      return stepHandlers['clean-up']
        ? handled(stepHandlers['clean-up'], job)
        : dispatchJobStep(deps, job, { to: 'finish', jobId: job.jobId });
    case 'check-parts':
      return checkPartsOf(deps, job, stepHandlers);
    case 'wait':
    case 'nothing':
      if (jobDueAt(job, deps.clock.now()) !== job.dueAt)
        await changeJob(deps, job.jobId, (now) => ({ ...now }));
      return false;
  }
}

async function checkPartsOf(deps: AdvanceDeps, job: Job, stepHandlers: JobStepHandlers): Promise<boolean> {
  const state = await checkParts(deps, job);
  const now = await deps.ledger.readJob(job.jobId);
  if (!now || now.rev > now.publishedRev) return now !== undefined;
  if (state === 'open') return false;
  return stepHandlers.finish
    ? handled(stepHandlers.finish, now)
    : dispatchJobStep(deps, now, { to: 'finish', jobId: job.jobId });
}

async function handled(handle: (job: Job) => Promise<unknown>, job: Job): Promise<true> {
  await handle(job);
  return true;
}

async function dispatchJobStep(deps: AdvanceDeps, job: Job, message: WorkMessage): Promise<false> {
  const now = deps.clock.now();
  if ((job.dispatchedUntil ?? 0) > now || !deps.queues.reaches.has(message.to)) return false;
  await changeJob(deps, job.jobId, (j) => ({ ...j, dispatchedUntil: now + MESSAGE_PATIENCE_MS }));
  await deps.queues.send([message]);
  return false;
}

/** A job that was cancelled before its file was planned ends here: nothing was sent, there are no rows to account for. */
async function endUnread(deps: AdvanceDeps, { jobId }: Job): Promise<void> {
  const reason = { code: 'cancelled', message: 'cancelled before the file was read' };
  await changeJob(deps, jobId, (job) => {
    if (job.status !== 'received' || job.cancelRequestedAt === undefined) return undefined;
    const rest = without(job, 'backoffUntil', 'dispatchedUntil') as Job;
    return { ...inStatus(rest, 'cancelled', deps.clock.now()), reason };
  });
}

function isExpected(failure: unknown): boolean {
  return failure instanceof RetryableError || failure instanceof NotAllowed || failure instanceof LostLease;
}
