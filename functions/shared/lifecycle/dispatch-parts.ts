import type { Job } from '../domain/job.ts';
import type { Part } from '../domain/part.ts';
import { JOB_CHECK_MS, MESSAGE_PATIENCE_MS } from '../domain/timing.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob, changePart } from './compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from './in-parallel.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'queues'>;

/**
 * Makes every part of a committed plan due and sends a message for each that does not wait for room. Dying half-way
 * leaves the job due, and the rest is handed out then; a part handed out twice gets two messages, of which its lease lets
 * one work.
 */
export async function handOut(deps: Deps, job: Job): Promise<void> {
  if (!job.plan) return;
  const cancelRequestedAt = (await deps.ledger.readJob(job.jobId))?.cancelRequestedAt;
  const wish = cancelRequestedAt === undefined ? {} : { cancelRequestedAt };
  const parts = await deps.ledger.partsOf(job.jobId, job.plan.planId);
  await inParallel(parts, PARTS_AT_ONCE, (part) => handOutPart(deps, part, wish));
  await changeJob(deps, job.jobId, (now) =>
    now.handedOut ? undefined : { ...now, handedOut: true, handedOnUntil: deps.clock.now() + JOB_CHECK_MS },
  );
}

async function handOutPart(deps: Deps, part: Part, wish: Pick<Part, 'cancelRequestedAt'>): Promise<void> {
  if (part.active && part.waiting) return; // it stands in the line already
  const handedOn = part.waiting ? {} : { handedOnUntil: deps.clock.now() + MESSAGE_PATIENCE_MS };
  await changePart(deps, part, (now) =>
    now.active
      ? undefined
      : { ...now, active: true, ...handedOn, ...wish, ...inLineSince(now, deps.clock.now()) },
  );
  if (part.waiting) return;
  const { jobId, planId, number } = part;
  await deps.queues.send([{ to: 'submit', ref: { jobId, planId, number } }]);
}

/** A part that waits for room stands in the line from here on: before, nobody could have let it on. */
function inLineSince({ waiting }: Part, now: number): Pick<Part, 'waiting'> {
  return waiting ? { waiting: { ...waiting, since: now } } : {};
}
