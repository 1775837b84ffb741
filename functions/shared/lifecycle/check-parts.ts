import { nextStatus } from '../domain/job.ts';
import type { Part, PartIn } from '../domain/part.ts';
import { JOB_CHECK_MS } from '../domain/timing.ts';
import { withoutBackoff } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import type { JobInHand } from './compare-and-set.ts';
import { partsOfPlan } from './parts-of-plan.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics'>;

/** A part whose results are stored. */
export type DeliveredPart = PartIn<'delivered'>;

/**
 * Returns the job's parts once all are delivered, and marks the job submitted at its first batch. A job with thousands
 * of parts is checked after each change of a part, so all parts are read only when the part that was open at the last
 * check has been delivered. Errors: RetryableError.
 */
export async function checkParts(
  deps: Deps,
  inHand: JobInHand,
): Promise<readonly DeliveredPart[] | undefined> {
  if (await isStillOpen(deps, inHand)) {
    await inHand.change((job) => ({ ...job, dispatchedUntil: deps.clock.now() + JOB_CHECK_MS }));
    return undefined;
  }
  const parts = await partsOfPlan(deps, inHand.item);
  const open = parts.findLast((part) => !isDelivered(part));
  if (parts.some(hasHadBatch)) await markSubmitted(deps, inHand);
  if (parts.length > 0 && parts.every(isDelivered)) return parts;
  await inHand.change((job) => {
    if (job.status !== 'accepted' && job.status !== 'submitted') return undefined;
    const dispatchedUntil = deps.clock.now() + JOB_CHECK_MS;
    return { ...job, dispatchedUntil, ...(open ? { openPart: open.number } : {}) };
  });
  return undefined;
}

/** Sets an accepted job to submitted, once its acceptance is published. Errors: RetryableError. */
export async function markSubmitted({ clock }: Pick<Ports, 'clock'>, inHand: JobInHand): Promise<void> {
  const { status } = inHand.item;
  if (status !== 'accepted') return;
  await inHand.change((job) => {
    if (job.status !== 'accepted' || job.rev !== job.publishedRev) return undefined;
    const dispatchedUntil = clock.now() + JOB_CHECK_MS;
    return { ...withoutBackoff(job), ...nextStatus(job, 'submitted', clock.now()), dispatchedUntil };
  });
}

/** Returns whether the part has or had a batch. */
export function hasHadBatch({ batch, earlierBatchIds, pastPages }: Part): boolean {
  return batch !== undefined || earlierBatchIds.length > 0 || pastPages !== undefined;
}

/**
 * Returns whether the part that was open at the last check is still open. Before the job's first batch, every part is
 * checked.
 */
async function isStillOpen({ ledger }: Pick<Ports, 'ledger'>, { item }: JobInHand): Promise<boolean> {
  if (item.status !== 'submitted' || item.openPart === undefined) return false;
  const { jobId, plan, openPart } = item;
  const part = await ledger.readPart({ jobId, planId: plan.planId, number: openPart });
  return part !== undefined && !isDelivered(part);
}

/** Returns whether the part's results are stored. */
export function isDelivered(part: Part): part is DeliveredPart {
  return part.phase === 'delivered';
}
