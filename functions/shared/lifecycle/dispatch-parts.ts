import type { Part, PartIn } from '../domain/part.ts';
import { JOB_CHECK_MS, REDISPATCH_AFTER_MS } from '../domain/timing.ts';
import { without } from '../domain/without.ts';
import type { Ports, WorkMessage } from '../ports/ports.ts';
import { type JobInHand, partInHand } from './compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from './in-parallel.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'queues'>;

/**
 * Makes every part of a committed plan due, records that on the job, then sends a message for each part that does not
 * wait for admission. If the invocation dies before the record, the job stays due and the step is repeated. If it dies
 * after the record, the parts become due when their messages are overdue. A part with two messages is worked on once,
 * under its lease. Errors: RetryableError.
 */
export async function dispatchParts(deps: Deps, inHand: JobInHand): Promise<void> {
  const { jobId, plan, cancelRequestedAt } = inHand.item;
  if (!plan) return;
  const parts = await deps.ledger.partsOf(jobId, plan.planId);
  const messages: WorkMessage[] = [];
  await inParallel(parts, PARTS_AT_ONCE, async (part) => {
    const dispatched = partInHand(deps, part);
    await dispatched.change((now) =>
      now.phase === 'planned' ? activated(now, cancelRequestedAt, deps.clock.now()) : undefined,
    );
    if (dispatched.item.phase === 'ready') messages.push({ to: 'submit', ref: dispatched.ref });
  });
  await inHand.change((job) =>
    job.status !== 'accepted' && job.status !== 'submitted'
      ? undefined
      : { ...job, partsDispatched: true, dispatchedUntil: deps.clock.now() + JOB_CHECK_MS },
  );
  if (messages.length > 0) await deps.queues.send(messages);
}

/** Returns the part as ready, or as waiting from now on: POLL could not have admitted it before. */
function activated(part: PartIn<'planned'>, cancelRequestedAt: number | undefined, now: number): Part {
  const { waiting } = part;
  const requested = cancelRequestedAt === undefined ? {} : { cancelRequestedAt };
  if (waiting) return { ...part, ...requested, phase: 'waiting', waiting: { ...waiting, since: now } };
  const dispatchedUntil = now + REDISPATCH_AFTER_MS;
  return { ...without(part, 'waiting'), ...requested, phase: 'ready', dispatchedUntil };
}
