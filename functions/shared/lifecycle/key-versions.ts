/**
 * The versions of one key as a chain, newest first: the key pointer names the newest job, each job the one before it.
 * Events of versions may come in any order, and cancels by key at any time, so the chain is kept in the order of the
 * versions and not of their arrival.
 */

import type { Job } from '../domain/job.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob } from './compare-and-set.ts';
import type { LeasedJob } from './lease.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/** Puts a job behind the newer ones that came before it. Errors: RetryableError, LostLease. */
export async function placeBehind(deps: Deps, leased: LeasedJob, newestJobId: string): Promise<void> {
  const { jobId, request } = leased.item;
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
    if (next !== undefined) await leased.change((job) => ({ ...job, previousJobId: next }));
    const linked = await changeJob(deps, ahead.jobId, (job) =>
      job.previousJobId === next ? { ...job, previousJobId: jobId } : undefined,
    );
    if (!linked || linked.job.previousJobId === jobId) return;
  }
}

/**
 * Whether one of the key's cancels means this version: it was put before the cancel was sent, and none of those that
 * came after it was. `newestJobId` is where the chain of newer versions begins, if there is any.
 */
export async function isMeant(
  deps: Deps,
  { jobId, request }: Job,
  cancels: readonly number[],
  newestJobId: string | undefined,
): Promise<boolean> {
  const sincePut = cancels.filter((sentAt) => request.lastModified <= sentAt);
  if (sincePut.length === 0) return false;
  let nextPutAt = Number.POSITIVE_INFINITY;
  let newer = newestJobId === undefined ? undefined : await deps.ledger.readJob(newestJobId);
  while (newer && newer.jobId !== jobId) {
    nextPutAt = Math.min(nextPutAt, newer.request.lastModified);
    newer = await previousOf(deps, newer);
  }
  return sincePut.some((sentAt) => sentAt < nextPutAt);
}

const MAX_CANCELS = 100; // some 1.4 KB of the pointer

/**
 * The key's cancels with this one; undefined when they are as they were. Within a second the latest stands for all, as S3
 * tells when a file was put in whole seconds.
 */
export function withCancel(cancels: readonly number[] = [], sentAt: number): number[] | undefined {
  const second = Math.floor(sentAt / 1000);
  const same = cancels.find((known) => Math.floor(known / 1000) === second);
  if (same !== undefined && same >= sentAt) return undefined;
  const sorted = [...cancels.filter((known) => known !== same), sentAt].sort((a, b) => a - b);
  return sorted.slice(-MAX_CANCELS);
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
