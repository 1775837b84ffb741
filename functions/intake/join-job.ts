/**
 * Decides whether a job has to run: another job may already run the same bytes, or a cancel request for its key may
 * have arrived first.
 *
 * The key pointer names the job that runs each content of the key (`runs`). A compare-and-set of the pointer decides
 * which job is first: of all versions with the same bytes, exactly one is named and runs, in whatever order their
 * events arrive. The others find it on the pointer. The times of the jobs and the order of the versions do not matter
 * for this.
 *
 * Known gap: if S3's events have no sequencers, versions of one key are cancelled and replaced in the order of their
 * events.
 */
import { type Job, type JobIn, nextStatus, type RequestFile } from '../shared/domain/job.ts';
import { type KeyPointer, type Run, withRun } from '../shared/domain/ledger-records.ts';
import { contentFacts, haveSameBytes } from '../shared/domain/same-bytes.ts';
import { without, withoutBackoff } from '../shared/domain/without.ts';
import { isCancelledByKey, isOlder, placeBehind } from '../shared/lifecycle/key-versions.ts';
import type { LeasedJob } from '../shared/lifecycle/lease.ts';
import type { Ports } from '../shared/ports/ports.ts';
import { instructionsIn } from '../shared/request-file/instructions.ts';
import { decideOnSameBytes } from './earlier-job.ts';
import { replaceJob } from './replace-job.ts';

type Deps = Pick<Ports, 'ledger' | 'clock'>;

/** The decision for a job. */
type Decision =
  | { do: 'run' }
  | { do: 'cancel' }
  | { do: 'join'; earlier: Job; unsuccessful?: JobIn<'joined'>['unsuccessful'] };

/**
 * Adds the job to the chain of its key, and joins or cancels it if it need not run. Returns whether it was joined or
 * cancelled. Errors: RetryableError, LostLease.
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
      continue; // a cancel request that did not find the job in the chain is now on the pointer
    }
    const decision = await decide(deps, leased, pointer, isNewest);
    if (isNewest && newest !== undefined && newest.jobId !== jobId) {
      // Before the pointer, so that a cancel that follows the chain of the key never misses a version.
      await leased.change((job) => ({ ...job, previousJobId: newest.jobId }));
    }
    const next = pointerWith(pointer, leased.item, { isNewest, runs: decision.do === 'run' });
    if (next && !(await deps.ledger.replaceKeyPointer(next))) continue;
    if (decision.do === 'run') return false;
    if (decision.do === 'join') await join(deps, leased, decision);
    else await cancel(deps, leased);
    return true;
  }
}

/** Decides by the key pointer. If another job changes the pointer meanwhile, the decision is repeated. */
async function decide(
  deps: Deps,
  leased: LeasedJob,
  pointer: KeyPointer,
  isNewest: boolean,
): Promise<Decision> {
  const job = leased.item;
  const newerJobId = isNewest ? undefined : pointer.newest?.jobId;
  if (await isCancelledByKey(deps, job, pointer.cancels ?? [], newerJobId)) return { do: 'cancel' };
  const earlier = await jobOfSameBytes(deps, job, pointer);
  if (!earlier) return { do: 'run' };
  const decision = decideOnSameBytes(earlier, job, deps.clock.now());
  if (decision.do === 'run') return { do: 'run' };
  if (decision.do === 'join') return { ...decision, earlier };
  if (!(await mayReplace(leased))) return { do: 'cancel' };
  if (await replaceJob(deps, leased, earlier)) return { do: 'run' };
  return instructionsIn(job.request.instructions).rerun ? { do: 'run' } : { do: 'join', earlier };
}

/**
 * Stores the job once more, just before another job is replaced by it. Returns false if it was cancelled: the other job may
 * have replaced it, and neither would run. Errors: LostLease, also if this invocation was frozen until after its lease:
 * another one may have joined the job to one that the other job had replaced, and again none would run.
 */
function mayReplace(leased: LeasedJob): Promise<boolean> {
  return leased.change((job) => (job.cancelRequestedAt === undefined ? job : undefined));
}

/** Returns the other job that the pointer names for these bytes. */
async function jobOfSameBytes(deps: Deps, job: Job, pointer: KeyPointer): Promise<Job | undefined> {
  const { runs } = pointer;
  if (!runs) return jobBeforeRuns(deps, job, pointer);
  const run = runs.findLast((known) => haveSameBytes(known, job.request));
  return run && run.jobId !== job.jobId ? deps.ledger.readJob(run.jobId) : undefined;
}

/** The same for a pointer of version 0.1, which contains only the newest job of the key. */
async function jobBeforeRuns({ ledger }: Deps, job: Job, { newest }: KeyPointer): Promise<Job | undefined> {
  if (!newest || newest.jobId === job.jobId) return undefined;
  const other = await ledger.readJob(newest.jobId);
  if (!other || !haveSameBytes(other.request, job.request)) return undefined;
  return other.status === 'joined' ? ledger.readJob(other.joinedJobId) : other;
}

/**
 * Returns the pointer with the job as the newest one and as the one that runs its bytes; undefined if nothing changes.
 */
function pointerWith(
  pointer: KeyPointer,
  { jobId, request }: Job,
  { isNewest, runs }: { isNewest: boolean; runs: boolean },
): KeyPointer | undefined {
  const { sequencer } = request;
  const isNamed = pointer.newest?.jobId === jobId;
  const known = pointer.runs ?? [];
  const isRunning = known.some((run) => run.jobId === jobId);
  if ((isNamed || !isNewest) && (isRunning || !runs)) return undefined;
  const run: Run = { jobId, ...contentFacts(request) };
  return {
    ...pointer,
    ...(isNewest && { newest: { jobId, ...(sequencer === undefined ? {} : { sequencer }) } }),
    ...(runs && !isRunning && { runs: withRun(known, run, (other) => haveSameBytes(other, run)) }),
  };
}

async function cancel(deps: Deps, leased: LeasedJob): Promise<void> {
  const requestedAt = deps.clock.now();
  await leased.change((job) => {
    if (job.status !== 'received') return undefined;
    const { cancelRequestedAt = requestedAt } = job;
    return leased.released({ ...withoutUnusedScan(job), cancelRequestedAt });
  });
}

async function join(
  deps: Deps,
  leased: LeasedJob,
  { earlier, unsuccessful }: Extract<Decision, { do: 'join' }>,
): Promise<void> {
  await leased.change((job) => {
    if (job.status !== 'received' || job.cancelRequestedAt !== undefined) return undefined;
    const rest = withoutBackoff(withoutUnusedScan(job));
    return leased.released({
      ...rest,
      ...nextStatus(job, 'joined', deps.clock.now()),
      joinedJobId: earlier.jobId,
      ...(unsuccessful && { unsuccessful }),
    });
  });
}

/**
 * Returns the job without a scan that this invocation began. Nothing is written under the scan yet, so there is nothing
 * to clean up.
 */
function withoutUnusedScan(job: JobIn<'received'>) {
  return job.scan?.invocations === 1 ? without(job, 'scan') : job;
}

function emptyPointer({ bucket, key }: RequestFile): KeyPointer {
  return { bucket, key, version: 0 };
}
