import { RetryableError } from '../domain/errors.ts';
import type { Job } from '../domain/job.ts';
import type { OutgoingEvent } from '../domain/outgoing-event.ts';
import type { Part } from '../domain/part.ts';
import type { Ports } from '../ports/ports.ts';
import { recordBatch, recordJob } from './business-metrics.ts';
import { changeJob, changePart, without } from './compare-and-set.ts';
import { batchStatusChange, type EventOrigin, jobStatusChange } from './status-events.ts';

type Deps = Pick<Ports, 'ledger' | 'bus' | 'clock' | 'metrics'> & EventOrigin;

/**
 * Publishes the part's newest status change, then notes it. Dying in between repeats the event under the same id; the
 * next change waits until this one is noted, and failures of publishing count against no later step. Errors: RetryableError.
 */
export async function publishPart(deps: Deps, part: Part): Promise<void> {
  const { batch, rev } = part;
  if (!batch || part.publishedRev >= rev) return;
  const event = batchStatusChange(part, batch, deps.instance);
  await publishOrRetry(deps, event);
  const noted = await changePart(deps, part, (now) =>
    now.batch?.batchId === batch.batchId && now.rev === rev && now.publishedRev < rev
      ? { ...(without(now, 'stalled') as Part), publishedRev: rev, tries: 0 }
      : undefined,
  );
  if (noted?.changed) recordBatch(deps.metrics, part, deps.clock.now());
}

/** The same for a job. */
export async function publishJob(deps: Deps, job: Job): Promise<void> {
  const { rev } = job;
  if (job.publishedRev >= rev) return;
  await publishOrRetry(deps, jobStatusChange(job, deps));
  const noted = await changeJob(deps, job.jobId, (now) =>
    now.rev === rev && now.publishedRev < rev ? { ...now, publishedRev: rev, tries: 0 } : undefined,
  );
  if (noted?.changed) recordJob(deps.metrics, job);
}

/** Errors: RetryableError. */
export async function publishOrRetry(
  { bus, metrics }: Pick<Ports, 'bus' | 'metrics'>,
  event: OutgoingEvent,
): Promise<void> {
  try {
    const { refused } = await bus.publish([event]);
    if (refused.length > 0)
      throw new RetryableError(`publish ${event.detail.metadata.id}: the bus refused the entry`);
  } catch (failure) {
    metrics.record('PublishFailures', 1);
    throw failure;
  }
}
