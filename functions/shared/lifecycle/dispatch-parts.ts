import { RetryableError } from '../domain/errors.ts';
import type { Part, PartIn } from '../domain/part.ts';
import { isAtItsEnd } from '../domain/part-end.ts';
import { JOB_CHECK_MS, REDISPATCH_AFTER_MS } from '../domain/timing.ts';
import { without } from '../domain/without.ts';
import type { Ports, WorkMessage } from '../ports/ports.ts';
import { type JobInHand, PARTS, type PartInHand, partInHand, takePart } from './compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from './in-parallel.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'queues'>;

/**
 * Makes every part of a committed plan due (one alone is written only now), records that on the job, then sends a message for each part that does not
 * wait for admission. If the invocation dies before the record, the job stays due and the step is repeated. If it dies
 * after the record, the parts become due when their messages are overdue. A part with two messages is worked on once,
 * under its lease. Errors: RetryableError.
 */
export async function dispatchParts(deps: Deps, inHand: JobInHand): Promise<void> {
  const { jobId, plan, cancelRequestedAt, onlyPart } = inHand.item;
  if (!plan) return;
  if (onlyPart) {
    await dispatchOnlyPart(deps, inHand, onlyPart);
    return;
  }
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

/**
 * The same for the only part of a plan: it is written once, ready or waiting. A cancel request that came meanwhile is on
 * the job, and the part gets it before the record.
 */
async function dispatchOnlyPart(deps: Deps, inHand: JobInHand, planned: PartIn<'planned'>): Promise<void> {
  for (;;) {
    const { cancelRequestedAt } = inHand.item;
    const part = await writtenPart(deps, activated(planned, cancelRequestedAt, deps.clock.now()));
    let isCurrent = true;
    await inHand.change((job) => {
      isCurrent = job.cancelRequestedAt === cancelRequestedAt;
      if (!isCurrent || (job.status !== 'accepted' && job.status !== 'submitted')) return undefined;
      const dispatchedUntil = deps.clock.now() + JOB_CHECK_MS;
      return { ...without(job, 'onlyPart'), partsDispatched: true, dispatchedUntil };
    });
    if (!isCurrent) continue;
    if (part.item.phase === 'ready') await deps.queues.send([{ to: 'submit', ref: part.ref }]);
    return;
  }
}

/** Writes the part; if it is written already, it only gets the cancel request. */
async function writtenPart(deps: Deps, part: Part): Promise<PartInHand> {
  const due = PARTS.withDueAt(part, deps.clock.now());
  if (await deps.ledger.createPart(due)) return partInHand(deps, due);
  const known = await takePart(deps, part);
  if (!known) throw new RetryableError(`part ${part.jobId}/${part.number}: it is written, but was not found`);
  const { cancelRequestedAt } = part;
  await known.change((now) => {
    if (cancelRequestedAt === undefined || now.cancelRequestedAt !== undefined || isAtItsEnd(now))
      return undefined;
    return { ...without(now, 'backoffUntil'), cancelRequestedAt };
  });
  return known;
}

/** Returns the part as ready, or as waiting from now on: POLL could not have admitted it before. */
function activated(part: PartIn<'planned'>, cancelRequestedAt: number | undefined, now: number): Part {
  const { waiting } = part;
  const requested = cancelRequestedAt === undefined ? {} : { cancelRequestedAt };
  if (waiting) return { ...part, ...requested, phase: 'waiting', waiting: { ...waiting, since: now } };
  const dispatchedUntil = now + REDISPATCH_AFTER_MS;
  return { ...without(part, 'waiting'), ...requested, phase: 'ready', dispatchedUntil };
}
