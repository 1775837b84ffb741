/**
 * Decides whether a job has to run: the same bytes may run already, or a cancel request for its key may have arrived
 * first.
 *
 * Known gap: if S3's events have no sequencers, two versions of one key are joined and cancelled in the order of their
 * events.
 */
import { isOver, type Job, type JobIn, nextStatus, type RequestFile } from '../shared/domain/job.ts';
import type { KeyPointer } from '../shared/domain/ledger-records.ts';
import { JOIN_MS } from '../shared/domain/timing.ts';
import { without, withoutBackoff } from '../shared/domain/without.ts';
import { isCancelledByKey, isOlder, placeBehind } from '../shared/lifecycle/key-versions.ts';
import type { LeasedJob } from '../shared/lifecycle/lease.ts';
import type { Ports } from '../shared/ports/ports.ts';
import { instructionsIn } from '../shared/request-file/instructions.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/**
 * Adds the job to the chain of its key, and joins or cancels it if it need not run. Returns whether it did.
 * Errors: RetryableError, LostLease.
 */
export async function joinOrCancel(deps: Deps, leased: LeasedJob): Promise<boolean> {
  const { request, jobId } = leased.item;
  let placed: string | undefined;
  for (;;) {
    const pointer = (await deps.ledger.readKeyPointer(request.bucket, request.key)) ?? emptyPointer(request);
    const { newest } = pointer;
    const isNewest = !newest || newest.jobId === jobId || !isOlder(request.sequencer, newest.sequencer);
    if (!isNewest && placed !== newest.jobId) {
      await placeBehind(deps, leased, newest.jobId);
      placed = newest.jobId;
      continue; // a cancel request that did not find the job in the chain is on the pointer now
    }
    if (isNewest && newest?.jobId !== jobId && !(await becomeNewest(deps, leased, pointer))) continue;
    if (
      await isCancelledByKey(deps, leased.item, pointer.cancels ?? [], isNewest ? undefined : newest.jobId)
    ) {
      const requestedAt = deps.clock.now();
      await leased.change((job) => {
        if (job.status !== 'received') return undefined;
        const { cancelRequestedAt = requestedAt } = job;
        return leased.released({ ...withoutUnusedScan(job), cancelRequestedAt });
      });
      return true;
    }
    const joined = await joinable(deps, leased.item, isNewest ? leased.item.previousJobId : newest.jobId);
    if (joined === undefined) return false;
    await leased.change((job) => {
      if (job.status !== 'received' || job.cancelRequestedAt !== undefined) return undefined;
      const rest = withoutBackoff(withoutUnusedScan(job));
      return leased.released({
        ...rest,
        ...nextStatus(job, 'joined', deps.clock.now()),
        joinedJobId: joined,
      });
    });
    return true;
  }
}

/**
 * Returns the job without a scan that this invocation began: nothing is written under it yet, so there is nothing to
 * clean up.
 */
function withoutUnusedScan(job: JobIn<'received'>) {
  return job.scan?.invocations === 1 ? without(job, 'scan') : job;
}

/** Makes the job the newest of its key. Returns false when the pointer has changed since it was read. */
async function becomeNewest(deps: Deps, leased: LeasedJob, pointer: KeyPointer): Promise<boolean> {
  const { jobId, request } = leased.item;
  const { sequencer } = request;
  const before = pointer.newest?.jobId;
  // Before the pointer: a cancel that follows the chain of the key never misses a version.
  if (before !== undefined) await leased.change((job) => ({ ...job, previousJobId: before }));
  const newest = { jobId, ...(sequencer === undefined ? {} : { sequencer }) };
  return deps.ledger.replaceKeyPointer({ ...pointer, newest });
}

/**
 * Returns the id of the job that this one joins: that of another version, or the one which that version joined. Only an
 * earlier job counts, so that two versions never join each other.
 */
async function joinable(deps: Deps, job: Job, otherJobId: string | undefined): Promise<string | undefined> {
  const { request } = job;
  const other =
    instructionsIn(request.instructions).rerun || otherJobId === undefined
      ? undefined
      : await deps.ledger.readJob(otherJobId);
  if (!other || other.request.etag !== request.etag || other.request.size !== request.size) return undefined;
  const earlier = other.status === 'joined' ? await deps.ledger.readJob(other.joinedJobId) : other;
  if (!earlier || earlier.cancelRequestedAt !== undefined || !isEarlier(earlier, job)) return undefined;
  const isFresh = earlier.status === 'completed' && deps.clock.now() - earlier.changedAt < JOIN_MS;
  return isFresh || !isOver(earlier) ? earlier.jobId : undefined;
}

function isEarlier(other: Job, job: Job): boolean {
  if (other.createdAt !== job.createdAt) return other.createdAt < job.createdAt;
  return isOlder(other.request.sequencer, job.request.sequencer);
}

function emptyPointer({ bucket, key }: RequestFile): KeyPointer {
  return { bucket, key, version: 0 };
}
