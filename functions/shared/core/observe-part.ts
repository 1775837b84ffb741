import { hasEnded } from '../contract/batch-status.ts';
import { boundedBatch } from './bounded-batch.ts';
import { changePart, without } from './change.ts';
import type { ObservedBatch, Part, PartRef } from './part.ts';
import { afterPutBack } from './part-end.ts';
import type { Ports } from './ports.ts';
import type { WaitingLine } from './waiting-line.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'api'>;

/** Retrieves the part's batch and applies what is new. True: something was. Errors: as the API's. */
export async function observePart(deps: Deps, part: Part): Promise<boolean> {
  if (!part.batch) return false;
  return applyObserved(deps, part, await deps.api.retrieveBatch(part.batch.batchId));
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
  deps: Pick<Ports, 'ledger' | 'clock'>,
  ref: PartRef,
  as: 'cancelled' | 'failed',
): Promise<void> {
  const reason =
    as === 'cancelled'
      ? { code: 'cancelled', message: 'cancelled before anything was sent' }
      : { code: 'tries_used_up', message: 'submission was tried again and again without success' };
  await changePart(deps, ref, (part) => {
    if (part.batch || part.ended || part.intent?.sendBy !== undefined) return undefined;
    if (as === 'cancelled' && part.cancelRequestedAt === undefined) return undefined;
    const rest = without(part, 'waitUntil', 'handedOnUntil', 'waiting') as Part;
    return { ...rest, ended: { as, reason }, tries: 0 };
  });
}

/**
 * Applies a status that is further than the known one, once the one before is published. True: it did. `line` are the parts
 * that wait for room, for whoever knows them. Errors: RetryLater.
 */
export async function applyObserved(
  deps: Omit<Deps, 'api'>,
  ref: PartRef,
  observed: ObservedBatch,
  line?: WaitingLine,
): Promise<boolean> {
  if (!RANK.has(observed.status)) {
    deps.log.warn('unknown_status', { jobId: ref.jobId, batchId: observed.batchId, status: observed.status });
  }
  const answer = await changePart(deps, ref, (part) => {
    const known = part.batch;
    if (known?.batchId !== observed.batchId || part.rev !== part.publishedRev) return undefined;
    if (!isFurther(part, known.status, observed.status)) return undefined;
    return withStatus(part, known.status, observed, deps.clock.now(), line?.placeOf(part));
  });
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
    ...(without(part, 'waitUntil', 'handedOnUntil', 'held') as Part),
    batch: boundedBatch(observed),
    previousStatus: known,
    rev: part.rev + 1,
    changedAt: now,
    tries: 0,
    ...afterPutBack(part, observed, now, position),
  };
}
