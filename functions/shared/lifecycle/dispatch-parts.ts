import type { Job } from '../domain/job.ts';
import type { Part } from '../domain/part.ts';
import { JOB_CHECK_MS, MESSAGE_PATIENCE_MS } from '../domain/timing.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob, changePart } from './compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from './in-parallel.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'queues'>;

/**
 * Makes every part of a committed plan due and sends a message for each that does not wait for capacity. Dying half-way
 * leaves the job due, and the rest is dispatched then; a part dispatched twice gets two messages, of which its lease lets
 * one work.
 */
export async function dispatchParts(deps: Deps, job: Job): Promise<void> {
  if (!job.plan) return;
  const cancelRequestedAt = (await deps.ledger.readJob(job.jobId))?.cancelRequestedAt;
  const wish = cancelRequestedAt === undefined ? {} : { cancelRequestedAt };
  const parts = await deps.ledger.partsOf(job.jobId, job.plan.planId);
  await inParallel(parts, PARTS_AT_ONCE, (part) => dispatchPart(deps, part, wish));
  await changeJob(deps, job.jobId, (now) =>
    now.partsDispatched
      ? undefined
      : { ...now, partsDispatched: true, dispatchedUntil: deps.clock.now() + JOB_CHECK_MS },
  );
}

async function dispatchPart(deps: Deps, part: Part, wish: Pick<Part, 'cancelRequestedAt'>): Promise<void> {
  if (part.active && part.waiting) return; // it stands in the line already
  const dispatched = part.waiting ? {} : { dispatchedUntil: deps.clock.now() + MESSAGE_PATIENCE_MS };
  await changePart(deps, part, (now) =>
    now.active
      ? undefined
      : { ...now, active: true, ...dispatched, ...wish, ...queuedSince(now, deps.clock.now()) },
  );
  if (part.waiting) return;
  const { jobId, planId, number } = part;
  await deps.queues.send([{ to: 'submit', ref: { jobId, planId, number } }]);
}

/** A part that waits for capacity stands in the line from here on: before, nobody could have let it on. */
function queuedSince({ waiting }: Part, now: number): Pick<Part, 'waiting'> {
  return waiting ? { waiting: { ...waiting, since: now } } : {};
}
