/**
 * Keeps the versions of one key as a chain, newest first: the key pointer names the newest job, and each job names the
 * previous one. Events may arrive in any order, and cancel requests by key at any time. Therefore the order of the
 * chain is that of the versions, not of the events.
 */

import type { Job } from '../domain/job.ts';
import type { Ports } from '../ports/ports.ts';
import { changeJob } from './compare-and-set.ts';
import type { LeasedJob } from './lease.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/**
 * Inserts a job into the chain, behind newer versions whose events arrived earlier. Errors: RetryableError, LostLease.
 */
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
    // The job's own link is written before the link to the job, so that readers of the chain never miss a version.
    if (next !== undefined) await leased.change((job) => ({ ...job, previousJobId: next }));
    const linked = await changeJob(deps, ahead.jobId, (job) =>
      job.previousJobId === next ? { ...job, previousJobId: jobId } : undefined,
    );
    if (!linked || linked.job.previousJobId === jobId) return;
  }
}

/**
 * Returns whether a cancel request by key means this version, because it was the newest one when the request was sent.
 * `cancels`: when the requests were sent, in milliseconds. `newestJobId`: the start of the chain of newer versions, if
 * any. Errors: RetryableError.
 */
export async function isCancelledByKey(
  deps: Deps,
  { jobId, request }: Job,
  cancels: readonly number[],
  newestJobId: string | undefined,
): Promise<boolean> {
  const laterCancels = cancels.filter((sentAt) => request.lastModified <= sentAt);
  if (laterCancels.length === 0) return false;
  let nextUploadAt = Number.POSITIVE_INFINITY;
  let newer = newestJobId === undefined ? undefined : await deps.ledger.readJob(newestJobId);
  while (newer && newer.jobId !== jobId) {
    nextUploadAt = Math.min(nextUploadAt, newer.request.lastModified);
    newer = await previousOf(deps, newer);
  }
  return laterCancels.some((sentAt) => sentAt < nextUploadAt);
}

const MAX_CANCELS = 100; // 1.4 KB of the key pointer

/**
 * Returns the key's cancel times with this one added; undefined if nothing changes. Only the latest time of each second
 * is kept, because S3 reports upload times in whole seconds.
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

/**
 * Returns whether the first sequencer is older. Sequencers of one key compare as hexadecimal numbers that are padded on
 * the right ([source](https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html)).
 */
export function isOlder(sequencer: string | undefined, other: string | undefined): boolean {
  if (sequencer === undefined || other === undefined) return false;
  const length = Math.max(sequencer.length, other.length);
  return sequencer.toLowerCase().padEnd(length, '0') < other.toLowerCase().padEnd(length, '0');
}
