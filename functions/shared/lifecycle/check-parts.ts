import { inStatus, type Job } from '../domain/job.ts';
import type { Part } from '../domain/part.ts';
import { JOB_CHECK_MS } from '../domain/timing.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob } from './compare-and-set.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/**
 * Looks at the job's parts: notes its first batch; answers whether every part is delivered. All of them are read only when
 * the one that was open when they were read last is delivered: of thousands, each of which comes by here several times,
 * that is the last one in the line, so that they are read few times.
 */
export async function checkParts(deps: Deps, job: Job): Promise<'open' | 'delivered'> {
  if (await isOpenStill(deps, job)) {
    await changeJob(deps, job.jobId, (now) => checkedAgain(deps, now));
    return 'open';
  }
  const parts = job.plan ? await deps.ledger.partsOf(job.jobId, job.plan.planId) : [];
  const hasBatch = parts.some((part) => part.batch !== undefined || part.earlierBatchIds.length > 0);
  const open = parts.findLast(isOpen);
  const delivered = parts.length > 0 && !open;
  await changeJob(deps, job.jobId, (now) => {
    const stillOpen = open ? { openPart: open.number } : {};
    const served = delivered ? now : { ...checkedAgain(deps, now), ...stillOpen };
    if (!hasBatch || now.status !== 'accepted' || now.rev !== now.publishedRev)
      return delivered ? undefined : served;
    return inStatus(served, 'submitted', deps.clock.now());
  });
  return delivered ? 'delivered' : 'open';
}

/** Of a job that waits for its first batch, any part may have it. */
async function isOpenStill({ ledger }: Deps, { jobId, plan, status, openPart }: Job): Promise<boolean> {
  if (status !== 'submitted' || !plan || openPart === undefined) return false;
  const part = await ledger.readPart({ jobId, planId: plan.planId, number: openPart });
  return part !== undefined && isOpen(part);
}

function isOpen({ delivered }: Part): boolean {
  return delivered === undefined;
}

function checkedAgain({ clock }: Deps, job: Job): Job {
  return { ...job, dispatchedUntil: clock.now() + JOB_CHECK_MS };
}
