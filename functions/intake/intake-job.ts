/**
 * Checks a request file and commits its plan.
 *   1. create the job, under this invocation's lease (`register-job.ts`)
 *   2. join an earlier job of the key with the same bytes (`earlier-job.ts`), or cancel the job if a cancel request
 *      arrived first (`join-job.ts`)
 *   3. read and check the whole file, and write a row table per part under a new planId (`resumable-scan.ts`)
 *   4. if the file is invalid, report that and reject it; nothing was sent
 *   5. write the parts under that planId, not due yet. Parts of any other plan are never read. A single part remains on
 *      the job until it is dispatched
 *   6. commit the plan and its estimate on the job, by compare-and-set. From then on, the job is accepted; or it is held
 *      until somebody approves it (`job-hold.ts`)
 *   7. dispatch the parts of an accepted job (`dispatch-parts.ts`). If limits are set, they wait for POLL's admission
 */
import { excerptOf, type Finding } from '../shared/contract/events.ts';
import { reportKey } from '../shared/contract/result-keys.ts';
import { TerminalError } from '../shared/domain/errors.ts';
import { type Hold, type Job, nextStatus, type Plan } from '../shared/domain/job.ts';
import { groupOf } from '../shared/domain/money/budget.ts';
import { jobEstimate } from '../shared/domain/money/job-estimate.ts';
import { findingOnCost } from '../shared/domain/money/max-cost.ts';
import type { PriceList } from '../shared/domain/money/price-list.ts';
import { type HoldPolicy, reasonToHold } from '../shared/domain/money/reason-to-hold.ts';
import type { PartIn } from '../shared/domain/part.ts';
import { MAX_TRIES } from '../shared/domain/timing.ts';
import { type BatchLimits, mustWaitFor } from '../shared/domain/waiting/batch-limits.ts';
import { shareOf } from '../shared/domain/waiting/shares.ts';
import { withoutBackoff } from '../shared/domain/without.ts';
import type { JobInHand } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { type LeasedJob, withJobLease } from '../shared/lifecycle/lease.ts';
import { reopenCleanUp } from '../shared/lifecycle/reopen-clean-up.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import { instructionsIn } from '../shared/request-file/instructions.ts';
import type { PlannedPart } from '../shared/request-file/plan-parts.ts';
import type { CheckedFile } from '../shared/request-file/request-file-scan.ts';
import { validateObject } from '../shared/request-file/validate-object.ts';
import { joinOrCancel } from './join-job.ts';
import { scanFile } from './resumable-scan.ts';

export type IntakeDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'ids' | 'log' | 'metrics' | 'requestFiles' | 'results'
> & { limits: BatchLimits; prices: Pick<PriceList, 'at'>; holds: HoldPolicy };

/**
 * Reads, validates and plans the job's file under a lease until the deadline. Errors: those of the ports, LostLease.
 */
export async function intakeJob(deps: IntakeDeps, inHand: JobInHand, deadline: Deadline): Promise<void> {
  await withJobLease(deps, inHand, deadline.until, async (leased) => {
    try {
      await planOrEnd(deps, leased, deadline);
    } catch (failure) {
      // A superseded intake may have written objects after the job was cleaned up.
      await reopenCleanUp(deps, inHand.ref);
      throw failure;
    }
  });
}

async function planOrEnd(deps: IntakeDeps, leased: LeasedJob, deadline: Deadline): Promise<void> {
  const job = leased.item;
  if (job.status !== 'received' || job.cancelRequestedAt !== undefined) return;
  const findings = validateObject(job.request);
  const isOutOfTries = job.tries >= MAX_TRIES;
  if (findings.length > 0 && !isOutOfTries) {
    await reject(deps, leased, { findings, count: findings.length });
    return;
  }
  // Stored before the key pointer names the job, and before the first object is written under the scan's planId.
  if (!(await leased.change((known) => withScan(known, deps.ids.next())))) return;
  if (await joinOrCancel(deps, leased)) return;
  try {
    if (isOutOfTries)
      throw new TerminalError('tries_used_up', 'all tries to read the file failed; the log has the reasons');
    const { planId, checked } = await scanFile(deps, leased, deadline);
    if (checked.verdict === 'bad') await reject(deps, leased, checked);
    else await commit(deps, leased, planId, checked);
  } catch (failure) {
    if (!(failure instanceof TerminalError)) throw failure;
    await fail(deps, leased, failure);
  }
}

/** Returns the job with one more invocation of its scan. A new scan gets the given planId. */
function withScan(job: Job, planId: string): Job | undefined {
  if (job.status !== 'received' || job.cancelRequestedAt !== undefined) return undefined;
  const { scan = { planId, checkpoints: 0, invocations: 0 } } = job;
  return { ...job, scan: { ...scan, invocations: scan.invocations + 1 } };
}

async function reject(
  deps: IntakeDeps,
  leased: LeasedJob,
  bad: { findings: Finding[]; count: number },
): Promise<void> {
  const { bucket, key, versionId } = leased.item.request;
  const report = {
    requestFile: { bucket, key, versionId },
    jobId: leased.item.jobId,
    count: bad.count,
    findings: bad.findings,
  };
  await deps.results.put(reportKey(leased.item), `${JSON.stringify(report, null, 2)}\n`, 'application/json');
  const findings = excerptOf(bad.findings, bad.count);
  await leased.change((job) =>
    job.status === 'received'
      ? leased.released({
          ...withoutBackoff(job),
          ...nextStatus(job, 'rejected', deps.clock.now()),
          findings,
        })
      : undefined,
  );
}

/** Ends the job as failed because its file is gone or all tries failed. A cancelled job ends as cancelled instead. */
async function fail(deps: IntakeDeps, leased: LeasedJob, { code, message }: TerminalError): Promise<void> {
  const { jobId } = leased.item;
  deps.log.error(code === 'tries_used_up' ? code : 'file_not_read', { jobId, reason: code });
  if (code === 'tries_used_up') deps.metrics.record('TriesUsedUp', 1);
  const reason = { code, message };
  await leased.change((job) =>
    job.status === 'received' && job.cancelRequestedAt === undefined
      ? leased.released({ ...withoutBackoff(job), ...nextStatus(job, 'failed', deps.clock.now()), reason })
      : undefined,
  );
}

async function commit(
  deps: IntakeDeps,
  leased: LeasedJob,
  planId: string,
  { rows, groups, parts }: Extract<CheckedFile, { verdict: 'good' }>,
): Promise<void> {
  const { measured = [] } = await deps.ledger.readControl();
  const estimate = jobEstimate(parts, measured, deps.prices.at(leased.item.createdAt));
  const { hold: isHoldAsked, 'max-cost': maxCost } = instructionsIn(leased.item.request.instructions);
  const finding = findingOnCost(maxCost, estimate);
  if (finding && !isHoldAsked) {
    await reject(deps, leased, { findings: [finding], count: 1 });
    return;
  }
  const plan: Plan = { planId, parts: parts.length, rows, groups, estimate };
  const now = deps.clock.now();
  const belonging = belongingOf(deps.limits, leased.item.request);
  const written = parts.map((planned) => {
    const waitsFor = mustWaitFor(deps.limits, planned.model);
    const part = { ...newPart(leased.item, plan, planned), ...belonging };
    return { ...part, ...(waitsFor === undefined ? {} : { waiting: { for: waitsFor, since: now } }) };
  });
  const [only, second] = written;
  const onlyPart = second === undefined && only !== undefined ? { onlyPart: only } : undefined;
  if (!onlyPart)
    await inParallel(written, PARTS_AT_ONCE, async (part) => void (await deps.ledger.createPart(part)));
  const [first] = parts.flatMap(({ model }) => mustWaitFor(deps.limits, model) ?? []);
  const waiting = first === undefined ? {} : { waiting: { for: first } };
  const hold = holdOf(deps, leased.item, plan, finding);
  await leased.change((job) => {
    if (job.status !== 'received' || job.cancelRequestedAt !== undefined) return undefined;
    const planned = { ...withoutBackoff(job), plan, ...onlyPart, ...waiting };
    const at = deps.clock.now();
    // Somebody may have approved the job before.
    return leased.released(
      hold && job.approvedAt === undefined
        ? { ...planned, ...nextStatus(job, 'unapproved', at), hold }
        : { ...planned, ...nextStatus(job, 'accepted', at) },
    );
  });
}

/** Returns why nothing is sent for the job before somebody approves it, and until when; undefined when it is not held. */
function holdOf(
  { holds, clock }: IntakeDeps,
  { request }: Job,
  { estimate }: Plan,
  finding: Finding | undefined,
): Hold | undefined {
  const { hold: isAsked } = instructionsIn(request.instructions);
  const aboveMaxCost = finding && { code: finding.code, message: finding.message };
  const reason = aboveMaxCost ?? reasonToHold(holds, { isAsked, estimate });
  return reason && { reason, until: clock.now() + holds.expiresAfterMs };
}

/** Whose share of the capacity the parts of a file take, and who pays for them. */
function belongingOf({ shares, budget }: BatchLimits, { metadata, instructions }: Job['request']) {
  return {
    ...(shares ? { share: shareOf(shares, metadata, instructionsIn(instructions).priority) } : {}),
    ...(budget?.by === undefined ? {} : { group: groupOf(budget, metadata) }),
  };
}

function newPart(job: Job, plan: Plan, planned: PlannedPart): PartIn<'planned'> {
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
    phase: 'planned',
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
  };
}
