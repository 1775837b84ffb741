import { RetryableError } from '../domain/errors.ts';
import type { OutgoingEvent } from '../domain/outgoing-event.ts';
import { without } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import { recordBatch, recordJob } from './business-metrics.ts';
import type { JobInHand, PartInHand } from './compare-and-set.ts';
import { batchStatusChange, type EventOrigin, jobStatusChange } from './status-events.ts';

type Deps = Pick<Ports, 'bus' | 'clock' | 'metrics'> & EventOrigin;

/**
 * Publishes the part's newest status change and notes the publication for the next write. If the invocation crashes
 * before that write, the event is published again with the same id. The next status waits until the note is stored, and
 * a failure to publish counts against no later step. Errors: RetryableError.
 */
export async function publishPart(deps: Deps, inHand: PartInHand): Promise<void> {
  const part = inHand.item;
  const { batch, rev } = part;
  if (!batch || part.publishedRev >= rev) return;
  await publishOrRetry(deps, batchStatusChange(part, batch, deps.instance));
  inHand.note(
    (now) => {
      if (!now.batch || now.batch.batchId !== batch.batchId) return undefined;
      if (now.rev !== rev || now.publishedRev >= rev) return undefined;
      return { ...without(now, 'stalled'), publishedRev: rev, tries: 0 };
    },
    () => recordBatch(deps.metrics, part, deps.clock.now()),
  );
}

/** The same for a job. */
export async function publishJob(deps: Deps, inHand: JobInHand): Promise<void> {
  const job = inHand.item;
  const { rev } = job;
  if (job.publishedRev >= rev) return;
  await publishOrRetry(deps, jobStatusChange(job, deps));
  inHand.note(
    (now) =>
      now.rev === rev && now.publishedRev < rev ? { ...now, publishedRev: rev, tries: 0 } : undefined,
    () => recordJob(deps.metrics, job),
  );
}

/** Publishes the event. Errors: RetryableError. */
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
