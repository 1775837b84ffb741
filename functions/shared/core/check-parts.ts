import { changeJob } from './change.ts';
import { inStatus, type Job } from './job.ts';
import type { Ports } from './ports.ts';
import { JOB_CHECK_MS } from './timing.ts';

/** Looks at the job's parts: notes its first batch; answers whether every part is delivered. */
export async function checkParts(
  deps: Pick<Ports, 'ledger' | 'clock'>,
  job: Job,
): Promise<'open' | 'delivered'> {
  const parts = job.plan ? await deps.ledger.partsOf(job.jobId, job.plan.planId) : [];
  const hasBatch = parts.some((part) => part.batch !== undefined || part.earlierBatchIds.length > 0);
  const delivered = parts.length > 0 && parts.every((part) => part.delivered !== undefined);
  await changeJob(deps, job.jobId, (now) => {
    const looked = delivered ? now : { ...now, handedOnUntil: deps.clock.now() + JOB_CHECK_MS };
    if (!hasBatch || now.status !== 'accepted' || now.rev !== now.publishedRev)
      return delivered ? undefined : looked;
    return inStatus(looked, 'submitted', deps.clock.now());
  });
  return delivered ? 'delivered' : 'open';
}
