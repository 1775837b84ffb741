import { changeJob, changePart, without } from './change.ts';
import { RetryLater } from './errors.ts';
import type { Job } from './job.ts';
import type { Part } from './part.ts';
import type { Ports } from './ports.ts';
import { batchStatusChange, jobStatusChange } from './status-events.ts';

/**
 * Publishes the part's newest status change, then notes it. Dying in between repeats the event under the same id; the
 * next change waits until this one is noted, and failures of publishing count against no later step. Errors: RetryLater.
 */
export async function publishPart(deps: Pick<Ports, 'ledger' | 'bus' | 'clock'>, part: Part): Promise<void> {
  const { batch, rev } = part;
  if (!batch || part.publishedRev >= rev) return;
  const event = batchStatusChange(part, batch);
  await publishOrRetry(deps, event);
  await changePart(deps, part, (now) =>
    now.batch?.batchId === batch.batchId && now.rev === rev && now.publishedRev < rev
      ? { ...(without(now, 'held') as Part), publishedRev: rev, tries: 0 }
      : undefined,
  );
}

/** The same for a job. */
export async function publishJob(
  deps: Pick<Ports, 'ledger' | 'bus' | 'clock'> & { resultsBucket: string },
  job: Job,
): Promise<void> {
  const { rev } = job;
  if (job.publishedRev >= rev) return;
  await publishOrRetry(deps, jobStatusChange(job, deps.resultsBucket));
  await changeJob(deps, job.jobId, (now) =>
    now.rev === rev && now.publishedRev < rev ? { ...now, publishedRev: rev, tries: 0 } : undefined,
  );
}

async function publishOrRetry(
  { bus }: Pick<Ports, 'bus'>,
  event: Parameters<Ports['bus']['publish']>[0][number],
): Promise<void> {
  const { refused } = await bus.publish([event]);
  if (refused.length > 0)
    throw new RetryLater(`publish ${event.detail.metadata.id}: the bus refused the entry`);
}
