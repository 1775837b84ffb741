import { nextStatus } from '../domain/job.ts';
import type { Part, PartIn } from '../domain/part.ts';
import { JOB_CHECK_MS } from '../domain/timing.ts';
import { withoutPauses } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import type { JobInHand } from './compare-and-set.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/** A part whose results are stored. */
export type DeliveredPart = PartIn<'delivered'>;

/**
 * Returns the job's parts once every one is delivered, and notes its first batch. All parts are read only when the one that
 * was open when they were read last is delivered: a job of thousands of parts is checked each time one of them moves on,
 * and its last part is open longest. Errors: RetryableError.
 */
export async function checkParts(
  deps: Deps,
  inHand: JobInHand,
): Promise<readonly DeliveredPart[] | undefined> {
  if (await isOpenStill(deps, inHand)) {
    await inHand.change((job) => ({ ...job, dispatchedUntil: deps.clock.now() + JOB_CHECK_MS }));
    return undefined;
  }
  const { jobId, plan } = inHand.item;
  const parts = plan ? await deps.ledger.partsOf(jobId, plan.planId) : [];
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

/** The job's first batch exists: its status follows, once the one before is published. Errors: RetryableError. */
export async function markSubmitted({ clock }: Pick<Ports, 'clock'>, inHand: JobInHand): Promise<void> {
  const { status } = inHand.item;
  if (status !== 'accepted') return;
  await inHand.change((job) => {
    if (job.status !== 'accepted' || job.rev !== job.publishedRev) return undefined;
    const dispatchedUntil = clock.now() + JOB_CHECK_MS;
    return { ...withoutPauses(job), ...nextStatus(job, 'submitted', clock.now()), dispatchedUntil };
  });
}

/** True once a batch of the part existed. */
export function hasHadBatch({ batch, earlierBatchIds }: Part): boolean {
  return batch !== undefined || earlierBatchIds.length > 0;
}

/** While a job waits for its first batch, any part may have it. */
async function isOpenStill({ ledger }: Deps, { item }: JobInHand): Promise<boolean> {
  if (item.status !== 'submitted' || item.openPart === undefined) return false;
  const { jobId, plan, openPart } = item;
  const part = await ledger.readPart({ jobId, planId: plan.planId, number: openPart });
  return part !== undefined && !isDelivered(part);
}

function isDelivered(part: Part): part is DeliveredPart {
  return part.phase === 'delivered';
}
