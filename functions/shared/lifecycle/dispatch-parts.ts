import { RetryableError } from '../domain/errors.ts';
import type { Job } from '../domain/job.ts';
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
  const { plan, onlyPart } = inHand.item;
  if (!plan) return;
  if (onlyPart) {
    await dispatchOnlyPart(deps, inHand, onlyPart);
    return;
  }
  const orders = ordersOn(inHand.item);
  const parts = await partsOfPlan(deps, inHand.item);
  const messages: WorkMessage[] = [];
  await inParallel(parts, PARTS_AT_ONCE, async (part) => {
    const dispatched = partInHand(deps, part);
    await dispatched.change((now) =>
      now.phase === 'planned' ? activated(now, orders, deps.clock.now()) : undefined,
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
 * The same for the only part of a plan: one write stores it as ready or waiting. If a cancel request or an
 * approval arrived meanwhile, it is on the job, and the part gets it before the record.
 */
async function dispatchOnlyPart(deps: Deps, inHand: JobInHand, planned: PartIn<'planned'>): Promise<void> {
  for (;;) {
    const orders = ordersOn(inHand.item);
    const part = await writtenPart(deps, activated(planned, orders, deps.clock.now()), orders);
    let isCurrent = true;
    await inHand.change((job) => {
      isCurrent = job.cancelRequestedAt === orders.cancelRequestedAt && job.approvedAt === orders.approvedAt;
      if (!isCurrent || (job.status !== 'accepted' && job.status !== 'submitted')) return undefined;
      const dispatchedUntil = deps.clock.now() + JOB_CHECK_MS;
      return { ...without(job, 'onlyPart'), partsDispatched: true, dispatchedUntil };
    });
    if (!isCurrent) continue;
    if (part.item.phase === 'ready') await deps.queues.send([{ to: 'submit', ref: part.ref }]);
    return;
  }
}

/** What a person asked of a job, and its parts get as well. Times in milliseconds. */
type Orders = Pick<Job, 'cancelRequestedAt' | 'approvedAt'>;

function ordersOn({ cancelRequestedAt, approvedAt }: Orders): Orders {
  return {
    ...(cancelRequestedAt === undefined ? {} : { cancelRequestedAt }),
    ...(approvedAt === undefined ? {} : { approvedAt }),
  };
}

/** Writes the part. If it exists already, it only gets the orders. */
async function writtenPart(deps: Deps, part: Part, orders: Orders): Promise<PartInHand> {
  const due = PARTS.withDueAt(part, deps.clock.now());
  if (await deps.ledger.createPart(due)) return partInHand(deps, due);
  const known = await takePart(deps, part);
  if (!known) throw new RetryableError(`part ${part.jobId}/${part.number}: it is written, but was not found`);
  await known.change((now) => withOrders(now, orders));
  return known;
}

/** Returns the part with orders that it does not have yet; undefined when there are none, or the part has ended. */
function withOrders(part: Part, orders: Orders): Part | undefined {
  const known = ordersOn(part);
  const all = { ...orders, ...known };
  if (isAtItsEnd(part) || Object.keys(all).length === Object.keys(known).length) return undefined;
  const isNewlyCancelled = all.cancelRequestedAt !== known.cancelRequestedAt;
  return { ...(isNewlyCancelled ? without(part, 'backoffUntil') : part), ...all };
}

/** Returns the part as ready, or as waiting from now on, because POLL could not admit it earlier. */
function activated(part: PartIn<'planned'>, orders: Orders, now: number): Part {
  const { waiting } = part;
  if (waiting) return { ...part, ...orders, phase: 'waiting', waiting: { ...waiting, since: now } };
  const dispatchedUntil = now + REDISPATCH_AFTER_MS;
  return { ...without(part, 'waiting'), ...orders, phase: 'ready', dispatchedUntil };
}
