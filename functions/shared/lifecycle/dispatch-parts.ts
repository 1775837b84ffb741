import { RetryableError } from '../domain/errors.ts';
import type { Part, PartIn } from '../domain/part.ts';
import { isAtItsEnd } from '../domain/part-end.ts';
import { JOB_CHECK_MS, REDISPATCH_AFTER_MS } from '../domain/timing.ts';
import { without } from '../domain/without.ts';
import type { Ports, WorkMessage } from '../ports/ports.ts';
import { type JobInHand, PARTS, type PartInHand, partInHand, takePart } from './compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from './in-parallel.ts';
import { partsOfPlan } from './parts-of-plan.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'queues'>;

/**
 * Makes every part of a committed plan due and records that on the job. Then it sends a message for each part that does
 * not wait for admission. The only part of a plan is written here for the first time. If the invocation crashes before
 * the record, the job remains due, and the step is repeated. If it crashes later, the parts become due when their
 * messages are overdue. A lease ensures that a part with two messages is worked on once. Errors: RetryableError.
 */
export async function dispatchParts(deps: Deps, inHand: JobInHand): Promise<void> {
  const { plan, cancelRequestedAt, onlyPart } = inHand.item;
  if (!plan) return;
  if (onlyPart) {
    await dispatchOnlyPart(deps, inHand, onlyPart);
    return;
  }
  const parts = await partsOfPlan(deps, inHand.item);
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
 * The same for the only part of a plan: one write stores it as ready or waiting. If a cancel request arrived meanwhile,
 * it is on the job, and the part gets it before the record.
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

/** Writes the part. If it exists already, it only gets the cancel request. */
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

/** Returns the part as ready, or as waiting from now on, because POLL could not admit it earlier. */
function activated(part: PartIn<'planned'>, cancelRequestedAt: number | undefined, now: number): Part {
  const { waiting } = part;
  const requested = cancelRequestedAt === undefined ? {} : { cancelRequestedAt };
  if (waiting) return { ...part, ...requested, phase: 'waiting', waiting: { ...waiting, since: now } };
  const dispatchedUntil = now + REDISPATCH_AFTER_MS;
  return { ...without(part, 'waiting'), ...requested, phase: 'ready', dispatchedUntil };
}
