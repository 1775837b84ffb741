/**
 * Carries a request file from its arrival to its committed plan: what INTAKE does.
 *   1. the job is created (`arrival.ts`)
 *   2. the same bytes under the same key, open or completed within a day, are joined; a cancel that came first ends it
 *   3. the whole file is read and checked (`scan-file.ts`), which writes a row table a part under a fresh planId
 *   4. a bad file is reported and rejected, nothing was sent
 *   5. the parts are written under that planId, not yet due; parts of any other plan are never looked at
 *   6. the plan is committed on the job, by compare-and-set: from here on it is accepted
 *   7. the parts are handed out (`hand-out.ts`); with limits set they wait for room, and POLL lets them on
 *
 * Known gaps: two versions of one key that come in the wrong order join and cancel by the order they came in, when S3
 * gave them no sequencers.
 */
import { excerptOf, type Finding } from '../shared/contract/events.ts';
import { type BatchLimits, heldBackBy } from '../shared/domain/batch-limits.ts';
import { Refused } from '../shared/domain/errors.ts';
import { inStatus, isOver, type Job, type Plan, type RequestFile } from '../shared/domain/job.ts';
import type { KeyPointer } from '../shared/domain/ledger-records.ts';
import type { Part } from '../shared/domain/part.ts';
import { reportKey } from '../shared/domain/result-keys.ts';
import { JOIN_MS, MAX_TRIES } from '../shared/domain/timing.ts';
import { without } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { isMeant, isOlder, placeBehind } from '../shared/lifecycle/key-versions.ts';
import { type HeldJob, withJobLease } from '../shared/lifecycle/lease.ts';
import { cleanAgain } from '../shared/lifecycle/reopen-clean-up.ts';
import type { Ports, Turn } from '../shared/ports/ports.ts';
import type { PlannedPart } from '../shared/request-file/plan-parts.ts';
import type { CheckedFile } from '../shared/request-file/request-file-scan.ts';
import { findingsOnObject } from '../shared/request-file/validate-object.ts';
import { scanFile } from './resumable-scan.ts';

export type IntakeDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'ids' | 'log' | 'metrics' | 'requestFiles' | 'results'
> & { limits: BatchLimits };

/** Reads, checks and plans the job's file under a lease for this turn. Errors: as the ports', LostLease. */
export async function intakeJob(deps: IntakeDeps, jobId: string, turn: Turn): Promise<void> {
  await withJobLease(deps, jobId, turn.until, async (held) => {
    try {
      await takeIn(deps, held, turn);
    } catch (failure) {
      // It may have been overtaken: then its last objects came after the job was cleaned.
      await cleanAgain(deps, jobId);
      throw failure;
    }
  });
}

async function takeIn(deps: IntakeDeps, held: HeldJob, turn: Turn): Promise<void> {
  if (held.job.status !== 'received' || held.job.cancelRequestedAt !== undefined) return;
  const findings = findingsOnObject(held.job.request);
  const givesUp = held.job.tries >= MAX_TRIES;
  if (findings.length > 0 && !givesUp) {
    await reject(deps, held, { findings, count: findings.length });
    return;
  }
  if (await joinOrCancel(deps, held)) return;
  try {
    if (givesUp) throw new Refused('tries_used_up', 'the file could not be read, again and again');
    const { planId, checked } = await scanFile(deps, held, turn);
    if (checked.verdict === 'bad') await reject(deps, held, checked);
    else await commit(deps, held, planId, checked);
  } catch (failure) {
    if (!(failure instanceof Refused)) throw failure;
    await fail(deps, held, failure);
  }
}

async function reject(
  deps: IntakeDeps,
  held: HeldJob,
  bad: { findings: Finding[]; count: number },
): Promise<void> {
  const { bucket, key, versionId } = held.job.request;
  const report = {
    request: { bucket, key, versionId },
    jobId: held.job.jobId,
    count: bad.count,
    findings: bad.findings,
  };
  await deps.results.put(reportKey(held.job), `${JSON.stringify(report, null, 2)}\n`, 'application/json');
  await held.change((job) =>
    job.status === 'received'
      ? { ...withStatus(job, 'rejected', deps.clock.now()), findings: excerptOf(bad.findings, bad.count) }
      : undefined,
  );
}

/** The file cannot be read, now or ever: it is gone, or was tried often enough. A job that was cancelled ends as that. */
async function fail(deps: IntakeDeps, held: HeldJob, { code, message }: Refused): Promise<void> {
  const { jobId } = held.job;
  deps.log.error(code === 'tries_used_up' ? code : 'file_not_read', { jobId, reason: code });
  if (code === 'tries_used_up') deps.metrics.record('TriesUsedUp', 1);
  await held.change((job) =>
    job.status === 'received' && job.cancelRequestedAt === undefined
      ? { ...withStatus(job, 'failed', deps.clock.now()), reason: { code, message } }
      : undefined,
  );
}

/** True when the job is at its end already. Makes this job the newest of its key, unless a newer one is. */
async function joinOrCancel(deps: IntakeDeps, held: HeldJob): Promise<boolean> {
  const { request, jobId } = held.job;
  let placed: string | undefined;
  for (;;) {
    const pointer = (await deps.ledger.readKeyPointer(request.bucket, request.key)) ?? emptyPointer(request);
    const { newest } = pointer;
    const isNewest = !newest || newest.jobId === jobId || !isOlder(request.sequencer, newest.sequencer);
    if (!isNewest && placed !== newest.jobId) {
      await placeBehind(deps, held, newest.jobId);
      placed = newest.jobId;
      continue; // a cancel that did not find it in the chain is on the pointer by now
    }
    if (isNewest && newest?.jobId !== jobId && !(await becomeNewest(deps, held, pointer))) continue;
    if (await isMeant(deps, held.job, pointer.cancels ?? [], isNewest ? undefined : newest.jobId)) {
      await held.change((job) => ({ ...job, cancelRequestedAt: job.cancelRequestedAt ?? deps.clock.now() }));
      return true;
    }
    const joined = await joinable(deps, held.job, isNewest ? held.job.previousJobId : newest.jobId);
    if (joined === undefined) return false;
    await held.change((job) =>
      job.status === 'received' && job.cancelRequestedAt === undefined
        ? { ...withStatus(job, 'joined', deps.clock.now()), joinedJobId: joined }
        : undefined,
    );
    return true;
  }
}

/** False when the pointer was changed meanwhile. */
async function becomeNewest(deps: IntakeDeps, held: HeldJob, pointer: KeyPointer): Promise<boolean> {
  const { jobId, request } = held.job;
  const { sequencer } = request;
  const before = pointer.newest?.jobId;
  // Before the pointer: a cancel that follows the chain of a key never misses a link.
  if (before !== undefined) await held.change((job) => ({ ...job, previousJobId: before }));
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
  const other = request.rerun || otherJobId === undefined ? undefined : await deps.ledger.readJob(otherJobId);
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
  held: HeldJob,
  planId: string,
  { rows, groups, parts }: Extract<CheckedFile, { verdict: 'good' }>,
): Promise<void> {
  const plan: Plan = { planId, parts: parts.length, rows, groups };
  const now = deps.clock.now();
  await inParallel(parts, PARTS_AT_ONCE, async (planned) => {
    const heldBack = heldBackBy(deps.limits, planned.model);
    const waiting = heldBack === undefined ? {} : { waiting: { for: heldBack, since: now } };
    await deps.ledger.createPart({ ...newPart(held.job, plan, planned), ...waiting });
  });
  const [first] = parts.flatMap(({ model }) => heldBackBy(deps.limits, model) ?? []);
  await held.change((job) =>
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
    putBack: 0,
    strays: [],
    expiresAt: job.expiresAt,
  };
}

function withStatus(job: Job, status: 'accepted' | 'rejected' | 'joined' | 'failed', now: number): Job {
  return { ...inStatus(without(job, 'waitUntil', 'handedOnUntil') as Job, status, now), tries: 0 };
}

function emptyPointer({ bucket, key }: RequestFile): KeyPointer {
  return { bucket, key, version: 0 };
}
