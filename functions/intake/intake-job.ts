/**
 * Carries a request file from its arrival to its committed plan: what INTAKE does.
 *   1. the job is created (`register-job.ts`)
 *   2. the same bytes under the same key, open or completed within a day, are joined; a cancel that came first ends it
 *   3. the whole file is read and checked (`resumable-scan.ts`), which writes a row table a part under a fresh planId
 *   4. a bad file is reported and rejected, nothing was sent
 *   5. the parts are written under that planId, not yet due; parts of any other plan are never looked at
 *   6. the plan is committed on the job, by compare-and-set: from here on it is accepted
 *   7. the parts are dispatched (`dispatch-parts.ts`); with limits set they wait for capacity, and POLL lets them on
 *
 * Known gaps: two versions of one key that come in the wrong order join and cancel by the order they came in, when S3
 * gave them no sequencers.
 */
import { excerptOf, type Finding } from '../shared/contract/events.ts';
import { reportKey } from '../shared/contract/result-keys.ts';
import { type BatchLimits, mustWaitFor } from '../shared/domain/batch-limits.ts';
import { TerminalError } from '../shared/domain/errors.ts';
import { inStatus, isOver, type Job, type Plan, type RequestFile } from '../shared/domain/job.ts';
import type { KeyPointer } from '../shared/domain/ledger-records.ts';
import type { Part } from '../shared/domain/part.ts';
import { JOIN_MS, MAX_TRIES } from '../shared/domain/timing.ts';
import { without } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { isMeant, isOlder, placeBehind } from '../shared/lifecycle/key-versions.ts';
import { type LeasedJob, withJobLease } from '../shared/lifecycle/lease.ts';
import { reopenCleanUp } from '../shared/lifecycle/reopen-clean-up.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import { instructionsIn } from '../shared/request-file/instructions.ts';
import type { PlannedPart } from '../shared/request-file/plan-parts.ts';
import type { CheckedFile } from '../shared/request-file/request-file-scan.ts';
import { validateObject } from '../shared/request-file/validate-object.ts';
import { scanFile } from './resumable-scan.ts';

export type IntakeDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'ids' | 'log' | 'metrics' | 'requestFiles' | 'results'
> & { limits: BatchLimits };

/** Reads, checks and plans the job's file under a lease for this turn. Errors: as the ports', LostLease. */
export async function intakeJob(deps: IntakeDeps, jobId: string, deadline: Deadline): Promise<void> {
  await withJobLease(deps, jobId, deadline.until, async (leased) => {
    try {
      await takeIn(deps, leased, deadline);
    } catch (failure) {
      // It may have been overtaken: then its last objects came after the job was cleaned.
      await reopenCleanUp(deps, jobId);
      throw failure;
    }
  });
}

async function takeIn(deps: IntakeDeps, leased: LeasedJob, deadline: Deadline): Promise<void> {
  if (leased.job.status !== 'received' || leased.job.cancelRequestedAt !== undefined) return;
  const findings = validateObject(leased.job.request);
  const givesUp = leased.job.tries >= MAX_TRIES;
  if (findings.length > 0 && !givesUp) {
    await reject(deps, leased, { findings, count: findings.length });
    return;
  }
  if (await joinOrCancel(deps, leased)) return;
  try {
    if (givesUp) throw new TerminalError('tries_used_up', 'the file could not be read, again and again');
    const { planId, checked } = await scanFile(deps, leased, deadline);
    if (checked.verdict === 'bad') await reject(deps, leased, checked);
    else await commit(deps, leased, planId, checked);
  } catch (failure) {
    if (!(failure instanceof TerminalError)) throw failure;
    await fail(deps, leased, failure);
  }
}

async function reject(
  deps: IntakeDeps,
  leased: LeasedJob,
  bad: { findings: Finding[]; count: number },
): Promise<void> {
  const { bucket, key, versionId } = leased.job.request;
  const report = {
    requestFile: { bucket, key, versionId },
    jobId: leased.job.jobId,
    count: bad.count,
    findings: bad.findings,
  };
  await deps.results.put(reportKey(leased.job), `${JSON.stringify(report, null, 2)}\n`, 'application/json');
  await leased.change((job) =>
    job.status === 'received'
      ? { ...withStatus(job, 'rejected', deps.clock.now()), findings: excerptOf(bad.findings, bad.count) }
      : undefined,
  );
}

/** The file cannot be read, now or ever: it is gone, or was tried often enough. A job that was cancelled ends as that. */
async function fail(deps: IntakeDeps, leased: LeasedJob, { code, message }: TerminalError): Promise<void> {
  const { jobId } = leased.job;
  deps.log.error(code === 'tries_used_up' ? code : 'file_not_read', { jobId, reason: code });
  if (code === 'tries_used_up') deps.metrics.record('TriesUsedUp', 1);
  await leased.change((job) =>
    job.status === 'received' && job.cancelRequestedAt === undefined
      ? { ...withStatus(job, 'failed', deps.clock.now()), reason: { code, message } }
      : undefined,
  );
}

/** True when the job is at its end already. Makes this job the newest of its key, unless a newer one is. */
async function joinOrCancel(deps: IntakeDeps, leased: LeasedJob): Promise<boolean> {
  const { request, jobId } = leased.job;
  let placed: string | undefined;
  for (;;) {
    const pointer = (await deps.ledger.readKeyPointer(request.bucket, request.key)) ?? emptyPointer(request);
    const { newest } = pointer;
    const isNewest = !newest || newest.jobId === jobId || !isOlder(request.sequencer, newest.sequencer);
    if (!isNewest && placed !== newest.jobId) {
      await placeBehind(deps, leased, newest.jobId);
      placed = newest.jobId;
      continue; // a cancel that did not find it in the chain is on the pointer by now
    }
    if (isNewest && newest?.jobId !== jobId && !(await becomeNewest(deps, leased, pointer))) continue;
    if (await isMeant(deps, leased.job, pointer.cancels ?? [], isNewest ? undefined : newest.jobId)) {
      await leased.change((job) => ({
        ...job,
        cancelRequestedAt: job.cancelRequestedAt ?? deps.clock.now(),
      }));
      return true;
    }
    const joined = await joinable(deps, leased.job, isNewest ? leased.job.previousJobId : newest.jobId);
    if (joined === undefined) return false;
    await leased.change((job) =>
      job.status === 'received' && job.cancelRequestedAt === undefined
        ? { ...withStatus(job, 'joined', deps.clock.now()), joinedJobId: joined }
        : undefined,
    );
    return true;
  }
}

/** False when the pointer was changed meanwhile. */
async function becomeNewest(deps: IntakeDeps, leased: LeasedJob, pointer: KeyPointer): Promise<boolean> {
  const { jobId, request } = leased.job;
  const { sequencer } = request;
  const before = pointer.newest?.jobId;
  // Before the pointer: a cancel that follows the chain of a key never misses a link.
  if (before !== undefined) await leased.change((job) => ({ ...job, previousJobId: before }));
  const newest = { jobId, ...(sequencer === undefined ? {} : { sequencer }) };
  return deps.ledger.replaceKeyPointer({ ...pointer, newest });
}

/**
 * The id of the job that these bytes join: that of another version, or the one that version joined itself. Only of a job
 * that was there before this one: two versions whose events cross must not join each other.
 */
async function joinable(
  deps: IntakeDeps,
  job: Job,
  otherJobId: string | undefined,
): Promise<string | undefined> {
  const { request } = job;
  const { rerun } = instructionsIn(request.instructions);
  const other = rerun || otherJobId === undefined ? undefined : await deps.ledger.readJob(otherJobId);
  if (!other || other.request.etag !== request.etag || other.request.size !== request.size) return undefined;
  const earlier = other.joinedJobId === undefined ? other : await deps.ledger.readJob(other.joinedJobId);
  if (!earlier || earlier.cancelRequestedAt !== undefined || !isEarlier(earlier, job)) return undefined;
  const isFresh = earlier.status === 'completed' && deps.clock.now() - earlier.changedAt < JOIN_MS;
  return isFresh || !isOver(earlier) ? earlier.jobId : undefined;
}

function isEarlier(other: Job, job: Job): boolean {
  if (other.createdAt !== job.createdAt) return other.createdAt < job.createdAt;
  return isOlder(other.request.sequencer, job.request.sequencer);
}

async function commit(
  deps: IntakeDeps,
  leased: LeasedJob,
  planId: string,
  { rows, groups, parts }: Extract<CheckedFile, { verdict: 'good' }>,
): Promise<void> {
  const plan: Plan = { planId, parts: parts.length, rows, groups };
  const now = deps.clock.now();
  await inParallel(parts, PARTS_AT_ONCE, async (planned) => {
    const waitsFor = mustWaitFor(deps.limits, planned.model);
    const waiting = waitsFor === undefined ? {} : { waiting: { for: waitsFor, since: now } };
    await deps.ledger.createPart({ ...newPart(leased.job, plan, planned), ...waiting });
  });
  const [first] = parts.flatMap(({ model }) => mustWaitFor(deps.limits, model) ?? []);
  await leased.change((job) =>
    job.status === 'received' && job.cancelRequestedAt === undefined
      ? {
          ...withStatus(job, 'accepted', deps.clock.now()),
          plan,
          ...(first === undefined ? {} : { waiting: { for: first } }),
        }
      : undefined,
  );
}

function newPart(job: Job, plan: Plan, planned: PlannedPart): Part {
  const { bucket, key, versionId, metadata } = job.request;
  return {
    kind: 'part',
    jobId: job.jobId,
    planId: plan.planId,
    parts: plan.parts,
    jobCreatedAt: job.createdAt,
    version: 1,
    request: { bucket, key, versionId },
    metadata,
    ...planned,
    attempt: 1,
    abandoned: [],
    ran: [],
    earlierBatchIds: [],
    previousStatus: null,
    rev: 0,
    publishedRev: 0,
    changedAt: job.changedAt,
    tries: 0,
    tokenLimitRejections: 0,
    secondBatchIds: [],
    expiresAt: job.expiresAt,
  };
}

function withStatus(job: Job, status: 'accepted' | 'rejected' | 'joined' | 'failed', now: number): Job {
  return { ...inStatus(without(job, 'backoffUntil', 'dispatchedUntil') as Job, status, now), tries: 0 };
}

function emptyPointer({ bucket, key }: RequestFile): KeyPointer {
  return { bucket, key, version: 0 };
}
