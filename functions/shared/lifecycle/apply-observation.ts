import { hasEnded } from '../contract/batch-status.ts';
import type { AdmissionQueue } from '../domain/admission-queue.ts';
import { boundedBatch } from '../domain/bounded-batch.ts';
import { TerminalError } from '../domain/errors.ts';
import type { ObservedBatch, Part, PartRef } from '../domain/part.ts';
import { afterTokenLimitRejection } from '../domain/part-end.ts';
import { LOST_AFTER_MS, MAX_COMPLETION_WINDOW_MS } from '../domain/timing.ts';
import type { Ports } from '../ports/ports.ts';
import { changePart, without } from './compare-and-set.ts';
import { isOurAccount } from './openai-account.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'>;

/** Retrieves the part's batch and applies what is new. True: something was. Errors: as the API's. */
export async function observePart(deps: Deps, part: Part): Promise<boolean> {
  if (!part.batch) return false;
  try {
    return await applyObserved(deps, part, await deps.api.retrieveBatch(part.batch.batchId));
  } catch (failure) {
    if (await endIfLost(deps, part, failure)) return true;
    throw failure;
  }
}

/** Ends the part whose batch could not be observed, if it is lost. False: it is not. Errors: as the API's. */
export async function endIfLost(deps: Deps, ref: PartRef, failure: unknown): Promise<boolean> {
  if (!isUnknown(failure)) return false;
  const part = await deps.ledger.readPart(ref);
  if (!part?.batch || !(await isLost(deps, part, part.batch))) return false;
  await endLost(deps, ref, part.batch.batchId);
  return true;
}

/**
 * Whether the API has forgotten the batch for good: its own account's key says so, twice, long after it must have ended.
 * Before that it may yet come back, and with it what it ran.
 */
async function isLost(deps: Deps, part: Part, batch: ObservedBatch): Promise<boolean> {
  const endsBy = batch.expiresAt ?? batch.createdAt + MAX_COMPLETION_WINDOW_MS;
  if (deps.clock.now() < endsBy + LOST_AFTER_MS || !(await isOurAccount(deps, part.intent?.account)))
    return false;
  return deps.api.retrieveBatch(batch.batchId).then(() => false, isUnknown);
}

function isUnknown(failure: unknown): boolean {
  return failure instanceof TerminalError && failure.code === 'not_found';
}

async function endLost(deps: Deps, ref: PartRef, batchId: string): Promise<void> {
  deps.log.error('batch_lost', { jobId: ref.jobId, part: ref.number, batchId });
  const message = `the API knows no batch ${batchId} any more; what it ran is lost`;
  await changePart(deps, ref, (part) => {
    if (part.ended || part.delivered || part.batch?.batchId !== batchId) return undefined;
    const rest = without(part, 'backoffUntil', 'dispatchedUntil', 'stalled') as Part;
    return { ...rest, ended: { as: 'lost', reason: { code: 'batch_lost', message } }, tries: 0 };
  });
}

/**
 * Tells the API of the cancel. Too late or unknown there: what the batch became is observed, by which the part goes
 * its way. Errors: as the API's.
 */
export async function cancelPart(deps: Deps, part: Part): Promise<void> {
  if (!part.batch) return;
  const { batchId } = part.batch;
  const answer = await deps.api.cancelBatch(batchId);
  await changePart(deps, part, (now) =>
    now.batch?.batchId === batchId ? { ...now, cancelSentAt: deps.clock.now() } : undefined,
  );
  if (answer === 'unknown') deps.log.warn('cancel_unknown_at_api', { jobId: part.jobId, batchId });
  else
    await applyObserved(deps, part, answer === 'too_late' ? await deps.api.retrieveBatch(batchId) : answer);
}

/** Ends a part that has no batch and never will have. */
export async function endPart(
  deps: Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics'>,
  ref: PartRef,
  as: 'cancelled' | 'failed',
): Promise<void> {
  const reason =
    as === 'cancelled'
      ? { code: 'cancelled', message: 'cancelled before anything was sent' }
      : { code: 'tries_used_up', message: 'submission was tried again and again without success' };
  const answer = await changePart(deps, ref, (part) => {
    if (part.batch || part.ended || part.intent?.sendBy !== undefined) return undefined;
    if (as === 'cancelled' && part.cancelRequestedAt === undefined) return undefined;
    const rest = without(part, 'backoffUntil', 'dispatchedUntil', 'waiting') as Part;
    return { ...rest, ended: { as, reason }, tries: 0 };
  });
  if (!answer?.changed || as !== 'failed') return;
  deps.metrics.record('TriesUsedUp', 1);
  deps.log.error('tries_used_up', { jobId: ref.jobId, part: ref.number });
}

/**
 * Applies a status that is further than the known one, once the one before is published. True: it did. `line` are the parts
 * that wait for capacity, for whoever knows them. Errors: RetryableError.
 */
export async function applyObserved(
  deps: Omit<Deps, 'api'>,
  ref: PartRef,
  observed: ObservedBatch,
  line?: AdmissionQueue,
): Promise<boolean> {
  if (!RANK.has(observed.status)) {
    deps.log.warn('unknown_status', { jobId: ref.jobId, batchId: observed.batchId, status: observed.status });
  }
  const answer = await changePart(deps, ref, (part) => {
    const known = part.batch;
    if (known?.batchId !== observed.batchId || part.rev !== part.publishedRev) return undefined;
    if (!isFurther(part, known.status, observed.status)) return undefined;
    return withStatus(part, known.status, observed, deps.clock.now(), line?.positionOf(part));
  });
  if (answer?.changed && answer.part.waiting?.alone) {
    const { jobId, number: part, model, batch } = answer.part;
    deps.metrics.record('RefusedAlone', 1);
    deps.log.warn('refused_alone', { jobId, part, model, reason: batch?.errors[0]?.message ?? undefined });
  }
  return answer?.changed ?? false;
}

const RANK: ReadonlyMap<string, number> = new Map([
  ['validating', 0],
  ['in_progress', 1],
  ['finalizing', 2],
  ['cancelling', 3],
  ['failed', 4],
  ['completed', 4],
  ['expired', 4],
  ['cancelled', 4],
]);

const RUNNING = 1;

/**
 * A late answer never takes a status back. A status nobody knows has no place in the order: it is taken while the batch
 * may be running, never for an end, and never once the batch was seen beyond; running on after it is no step back.
 */
function isFurther(part: Part, known: string, observed: string): boolean {
  if (known === observed || hasEnded(known)) return false;
  const reached = RANK.get(known) ?? RANK.get(part.previousStatus ?? '') ?? 0;
  const rank = RANK.get(observed);
  if (rank === undefined) return reached <= RUNNING;
  return rank > reached || (rank === RUNNING && reached === RUNNING && !RANK.has(known));
}

function withStatus(
  part: Part,
  known: string,
  observed: ObservedBatch,
  now: number,
  position: number | undefined,
): Part {
  return {
    ...(without(part, 'backoffUntil', 'dispatchedUntil', 'stalled') as Part),
    batch: boundedBatch(observed),
    previousStatus: known,
    rev: part.rev + 1,
    changedAt: now,
    tries: 0,
    ...afterTokenLimitRejection(part, observed, now, position),
  };
}
