/**
 * The versions of one key as a chain, newest first: the key pointer names the newest job, each job the one before it.
 * Events of versions may come in any order, and cancels by key at any time, so the chain is kept in the order of the
 * versions and not of their arrival.
 */
import { changeJob } from './change.ts';
import type { Job } from './job.ts';
import type { HeldJob } from './lease.ts';
import type { Ports } from './ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/** Puts a job behind the newer ones that came before it. Errors: RetryLater, LostLease. */
export async function placeBehind(deps: Deps, held: HeldJob, newestJobId: string): Promise<void> {
  const { jobId, request } = held.job;
  for (;;) {
    let ahead = await deps.ledger.readJob(newestJobId);
    let behind = await previousOf(deps, ahead);
    while (behind && behind.jobId !== jobId && !isOlder(behind.request.sequencer, request.sequencer)) {
      ahead = behind;
      behind = await previousOf(deps, ahead);
    }
    if (!ahead || behind?.jobId === jobId) return;
    const next = behind?.jobId;
    // First its own link, then the one to it: whoever follows the chain never misses a version.
    if (next !== undefined) await held.change((job) => ({ ...job, previousJobId: next }));
    const linked = await changeJob(deps, ahead.jobId, (job) =>
      job.previousJobId === next ? { ...job, previousJobId: jobId } : undefined,
    );
    if (!linked || linked.job.previousJobId === jobId) return;
  }
}

/** Whether a newer version than the job's was there at `sentAt`: then a cancel by key sent at that time means that one. */
export async function newerWasThere(
  deps: Deps,
  job: Job,
  newestJobId: string,
  sentAt: number,
): Promise<boolean> {
  let newer = await deps.ledger.readJob(newestJobId);
  while (newer && newer.jobId !== job.jobId) {
    if (newer.request.lastModified <= sentAt) return true;
    newer = await previousOf(deps, newer);
  }
  return false;
}

async function previousOf({ ledger }: Deps, job: Job | undefined): Promise<Job | undefined> {
  return job?.previousJobId === undefined ? undefined : ledger.readJob(job.previousJobId);
}

/** Sequencers of one key compare as hexadecimal numbers padded on the right ([source](https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html)). */
export function isOlder(sequencer: string | undefined, other: string | undefined): boolean {
  if (sequencer === undefined || other === undefined) return false;
  const length = Math.max(sequencer.length, other.length);
  return sequencer.toLowerCase().padEnd(length, '0') < other.toLowerCase().padEnd(length, '0');
}
