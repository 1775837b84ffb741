import { hasEnded } from '../contract/batch-status.ts';
import { TerminalError } from '../domain/errors.ts';
import { knownBatch } from '../domain/known-batch.ts';
import type { ObservedBatch, Part, PartEnd, PartIn } from '../domain/part.ts';
import { phaseAfter } from '../domain/part-end.ts';
import { LOST_AFTER_MS, MAX_COMPLETION_WINDOW_MS, UNSEEN_AFTER_MS } from '../domain/timing.ts';
import type { AdmissionQueue } from '../domain/waiting/admission-queue.ts';
import { without, withoutBackoff } from '../domain/without.ts';
import type { Ports } from '../ports/ports.ts';
import type { PartInHand } from './compare-and-set.ts';
import { isOurAccount } from './openai-account.ts';

type Deps = Pick<Ports, 'clock' | 'log' | 'metrics' | 'api'>;

/** Retrieves the part's batch and applies its status. Returns whether the part changed. Errors: those of the API. */
export async function observePart(deps: Deps, inHand: PartInHand): Promise<boolean> {
  const { batch } = inHand.item;
  if (!batch) return false;
  try {
    return await applyObserved(deps, inHand, await deps.api.retrieveBatch(batch.batchId));
  } catch (failure) {
    if (await endIfLost(deps, inHand, failure)) return true;
    throw failure;
  }
}

/**
 * Handles a failed retrieve. If it means that the batch is lost, the part ends. If only the response to its create has
 * ever shown the batch, the search for it resumes. Returns whether one of the two happened. Errors: those of the API.
 */
export async function endIfLost(deps: Deps, inHand: PartInHand, failure: unknown): Promise<boolean> {
  if (!isUnknown(failure)) return false;
  const { item: part, ref } = inHand;
  if (part.phase !== 'running') return false;
  if (part.unconfirmed) return searchAgain(deps, inHand, part);
  if (!(await isLost(deps, part))) return false;
  const { batchId } = part.batch;
  deps.log.error('batch_lost', { jobId: ref.jobId, part: ref.number, batchId });
  const message = `the API no longer knows batch ${batchId}; its results are lost`;
  const ended: PartEnd = { as: 'lost', reason: { code: 'batch_lost', message } };
  await inHand.change((now) => {
    if (now.phase !== 'running' || now.batch.batchId !== batchId) return undefined;
    return { ...without(withoutBackoff(now), 'stalled'), phase: 'ended', ended, tries: 0 };
  });
  return true;
}

/**
 * The response to a create may have named the wrong batch. Returns the part to the search, under the same intent. If
 * the search finds nothing, the create is unresolved. Returns false while the batch is too young, or while the key
 * belongs to another account.
 */
async function searchAgain(deps: Deps, inHand: PartInHand, part: PartIn<'running'>): Promise<boolean> {
  const { batchId, status } = part.batch;
  const isYoung = deps.clock.now() < part.changedAt + UNSEEN_AFTER_MS;
  if (isYoung || !(await isOurAccount(deps, part.intent.account))) return false;
  const hasChanged = await inHand.change((now) => {
    if (now.phase !== 'running' || now.batch.batchId !== batchId || !now.unconfirmed) return undefined;
    if (now.rev !== now.publishedRev) return undefined;
    const rest = without(withoutBackoff(now), 'batch', 'unconfirmed', 'stalled', 'cancelSentAt', 'toldAt');
    const unseen = { batchId, status, rev: now.rev };
    const intent = without(now.intent, 'foundNothingAt');
    return { ...rest, ...NO_BATCH, phase: 'creating', intent, unseen, tries: 0 };
  });
  if (hasChanged) deps.log.warn('batch_unseen', { jobId: part.jobId, part: part.number, batchId });
  return hasChanged;
}

const NO_BATCH = { previousStatus: null, rev: 0, publishedRev: 0 } as const;

/**
 * Returns whether the batch is lost for good: two calls with a key of the batch's account do not know it, long after it
 * must have ended. Before that time, the batch and its results may reappear.
 */
async function isLost(deps: Deps, { batch, intent }: PartIn<'running'>): Promise<boolean> {
  const endsBy = batch.expiresAt ?? batch.createdAt + MAX_COMPLETION_WINDOW_MS;
  if (deps.clock.now() < endsBy + LOST_AFTER_MS || !(await isOurAccount(deps, intent.account))) return false;
  return deps.api.retrieveBatch(batch.batchId).then(() => false, isUnknown);
}

function isUnknown(failure: unknown): boolean {
  return failure instanceof TerminalError && failure.code === 'not_found';
}

/**
 * Sends the cancel to the API. If it is too late, or the API does not know the batch, the part continues with the
 * status of the batch. Returns true if the part has a batch. Errors: those of the API.
 */
export async function cancelPart(deps: Deps, inHand: PartInHand): Promise<boolean> {
  const { batch, jobId } = inHand.item;
  if (!batch) return false;
  const { batchId } = batch;
  const response = await deps.api.cancelBatch(batchId);
  const isKnown = response !== 'unknown';
  await inHand.change((now) => {
    if (!now.batch || now.batch.batchId !== batchId) return undefined;
    const sent = { ...now, cancelSentAt: deps.clock.now() };
    return isKnown ? without(sent, 'unconfirmed') : sent;
  });
  if (response === 'unknown') deps.log.warn('cancel_unknown_at_api', { jobId, batchId });
  else {
    const observed = response === 'too_late' ? await deps.api.retrieveBatch(batchId) : response;
    await applyObserved(deps, inHand, observed);
  }
  return true;
}

/** Ends a part that has no batch and cannot get one. Returns whether it did. Errors: RetryableError. */
export async function endPart(
  deps: Pick<Ports, 'log' | 'metrics'>,
  inHand: PartInHand,
  as: 'cancelled' | 'failed',
): Promise<boolean> {
  const { lastFailure = 'the log has the reasons' } = inHand.item;
  const reason =
    as === 'cancelled'
      ? { code: 'cancelled', message: cancelledMessage(inHand.item) }
      : { code: 'tries_used_up', message: `all tries to submit the part failed: ${lastFailure}` };
  const hasEnded = await inHand.change((part) =>
    as === 'cancelled' && part.cancelRequestedAt === undefined
      ? undefined
      : endedBeforeBatch(part, { as, reason }),
  );
  if (!hasEnded || as !== 'failed') return hasEnded;
  deps.metrics.record('TriesUsedUp', 1);
  deps.log.error('tries_used_up', { jobId: inHand.ref.jobId, part: inHand.ref.number });
  return true;
}

function cancelledMessage({ abandoned }: Part): string {
  return abandoned.length === 0
    ? 'cancelled before anything was sent'
    : `cancelled; no batch was found for ${abandoned.length} create(s) that were sent`;
}

/** Returns the ended part; undefined if it may have a batch. */
function endedBeforeBatch(part: Part, ended: PartEnd): Part | undefined {
  switch (part.phase) {
    case 'waiting':
    case 'ready':
    case 'uploading':
    case 'uploaded':
      return { ...without(withoutBackoff(part), 'waiting'), phase: 'ended', ended, tries: 0 };
    case 'stalled':
      if (ended.as !== 'cancelled') return undefined;
      return { ...without(withoutBackoff(part), ...OF_STALL), phase: 'ended', ended, tries: 0 };
    default:
      return undefined;
  }
}

const OF_STALL = ['stalled', 'stallPublished', 'adopt'] as const;

/**
 * Applies an observed status that is later than the known one, once the known one is published. Returns whether it was
 * applied. `queue`: the parts that wait for admission, if known. Errors: RetryableError.
 */
export async function applyObserved(
  deps: Pick<Ports, 'clock' | 'log' | 'metrics'>,
  inHand: PartInHand,
  observed: ObservedBatch,
  queue?: AdmissionQueue,
): Promise<boolean> {
  const { jobId, number } = inHand.ref;
  if (!RANK.has(observed.status))
    deps.log.warn('unknown_status', { jobId, batchId: observed.batchId, status: observed.status });
  const hasChanged = await inHand.change((part) => {
    if (part.phase !== 'running' || part.batch.batchId !== observed.batchId) return undefined;
    if (part.rev !== part.publishedRev || !isFurther(part, observed.status)) return undefined;
    return withStatus(part, observed, deps.clock.now(), queue?.positionOf(part));
  });
  const part = inHand.item;
  if (hasChanged && part.phase === 'requeued' && part.waiting.alone) {
    const reason = part.batch.errors[0]?.message ?? undefined;
    deps.metrics.record('RefusedAlone', 1);
    deps.log.warn('refused_alone', { jobId, part: number, model: part.model, reason });
  }
  return hasChanged;
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
 * Returns whether the observed status is later than the known one, so that a late response never reverts a status. A
 * status outside the table has no rank. It is applied only while the batch may be running, and `in_progress` may follow
 * it.
 */
function isFurther({ batch, previousStatus }: PartIn<'running'>, observed: string): boolean {
  const known = batch.status;
  if (known === observed || hasEnded(known)) return false;
  const reached = RANK.get(known) ?? RANK.get(previousStatus ?? '') ?? 0;
  const rank = RANK.get(observed);
  if (rank === undefined) return reached <= RUNNING;
  return rank > reached || (rank === RUNNING && reached === RUNNING && !RANK.has(known));
}

function withStatus(
  part: PartIn<'running'>,
  observed: ObservedBatch,
  now: number,
  position: number | undefined,
): Part {
  const { intent, batch, rev, publishedRev } = part;
  const state = {
    intent,
    batch: knownBatch(observed, batch),
    previousStatus: batch.status,
    rev: rev + 1,
    publishedRev,
  };
  const known = without(withoutBackoff(part), 'stalled', 'unconfirmed');
  const rest = hasEnded(observed.status) ? without(known, 'toldAt') : known;
  return { ...rest, changedAt: now, tries: 0, ...phaseAfter(part, state, now, position) };
}
