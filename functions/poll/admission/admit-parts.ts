/**
 * Admits parts that wait for capacity, at the end of a POLL tick.
 *
 *   1. read     the admitted parts that are not known to have ended: the admissions, one item of the ledger
 *   2. verify   read each part that was not observed as an open batch; drop those that ended, and measure their tokens
 *   3. choose   decide which parts may begin (`capacity.ts`)
 *   4. write    store the admissions by compare-and-set: a superseded poller fails here, and admits no part
 *   5. admit    change each admitted part. If the tick dies before, the next tick finds the part among the admissions
 *
 * There is no counter that could drift: the parts that take capacity are a list, and each is verified. A stale `due`
 * index may show a batch as open for too long, but never as ended too early.
 *
 * Known gaps: capacity that a batch frees for a part waiting for the API's own limit is lost when the tick dies before
 * the part is admitted; the part then waits until its backoff ends. The batches of other Batchdrops and other programs
 * are not known: only the API's response shows them.
 */
import { MAX_OPEN_BATCHES } from '../../shared/contract/open-batches.ts';
import type { Admissions, Admitted } from '../../shared/domain/ledger-records.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { Part } from '../../shared/domain/part.ts';
import { attemptSize } from '../../shared/domain/part.ts';
import { REDISPATCH_AFTER_MS } from '../../shared/domain/timing.ts';
import { type AdmissionQueue, nameOf } from '../../shared/domain/waiting/admission-queue.ts';
import { areSet, type BatchLimits, mustWaitFor } from '../../shared/domain/waiting/batch-limits.ts';
import { withMeasured } from '../../shared/domain/waiting/tokens.ts';
import { without } from '../../shared/domain/without.ts';
import { changePart } from '../../shared/lifecycle/compare-and-set.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { Capacity, type Chosen, type Taken } from './capacity.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'queues'> & { limits: BatchLimits };

const MAX_PER_TICK = 200; // takes seconds to write; per hour it is far more than the API accepts
const AT_ONCE = 32;

/** What the tick has observed. */
interface SeenByTick {
  queue: AdmissionQueue;
  /** Open batches by the names of their parts, as last observed. */
  open: ReadonlyMap<string, OpenBatch>;
  /** How many batches of each model have ended. */
  ended: ReadonlyMap<string, number>;
}

/** An admission, and the state of its part. `unaware`: a tick died before it changed the part. */
interface Verified {
  admitted: Admitted;
  is: 'unaware' | 'pending' | 'taken' | 'over';
  part?: Part;
}

/** Admits the parts that there is capacity for, and returns how many. Errors: RetryableError. */
export async function admitParts(deps: Deps, seen: SeenByTick): Promise<number> {
  const { ledger, clock, limits } = deps;
  if (!areSet(limits) && seen.queue.length === 0) return 0;
  const before = await ledger.readAdmissions();
  const verified = await verify(deps, before.admitted, seen.open);
  const kept = verified.filter((one) => takesCapacity(one, limits));
  const names = new Set(kept.map(({ admitted }) => nameOf(admitted)));
  const queue = seen.queue.inOrder().filter((part) => !names.has(nameOf(part)));
  const measured = withMeasuredBatches(limits, before.measured, verified);
  const capacity = new Capacity(limits, measured, [...kept.map(asTaken), ...notAdmitted(seen.open, names)]);
  const maxChosen = Math.min(MAX_PER_TICK, Math.max(0, MAX_OPEN_BATCHES - kept.length));
  const chosen = capacity.choose(queue, seen.ended, clock.now()).slice(0, maxChosen);
  if (chosen.length > 0 || kept.length < verified.length) {
    const admitted = [...kept.map(remembered), ...chosen.map(asAdmitted)];
    if (!(await ledger.replaceAdmissions({ ...before, admitted, measured }))) return 0;
  }
  const unaware = kept.filter(({ is }) => is === 'unaware').map(({ admitted }) => admitted);
  await inParallel([...unaware, ...chosen.map(asAdmitted)], AT_ONCE, (one) => admit(deps, one));
  return chosen.length;
}

async function verify(
  { ledger }: Deps,
  all: readonly Admitted[],
  open: ReadonlyMap<string, OpenBatch>,
): Promise<Verified[]> {
  const verified: Verified[] = [];
  await inParallel(all, AT_ONCE, async (admitted) => {
    const batch = open.get(nameOf(admitted));
    if (batch) {
      verified.push({ admitted, is: batch.status === 'validating' ? 'pending' : 'taken' });
      return;
    }
    const part = await ledger.readPart(admitted);
    verified.push(part ? { admitted, is: stateOf(part, admitted), part } : { admitted, is: 'over' });
  });
  return verified;
}

/** Returns the state of an admitted part: it takes capacity until its batch ends, or it ends without one. */
function stateOf(part: Part, { since }: Admitted): Verified['is'] {
  const isCancelled = part.cancelRequestedAt !== undefined;
  switch (part.phase) {
    case 'waiting':
    case 'requeued':
      return part.waiting.since === since && !isCancelled ? 'unaware' : 'over';
    case 'ready':
    case 'uploading':
    case 'uploaded':
    case 'creating':
      return part.admission ? 'pending' : 'over';
    case 'retrying':
      return part.admission && !isCancelled ? 'pending' : 'over';
    case 'running':
      if (!part.admission) return 'over';
      return part.batch.status === 'validating' ? 'pending' : 'taken';
    case 'planned':
    case 'stalled':
    case 'batch_ended':
    case 'ended':
    case 'delivered':
      return 'over';
  }
}

/**
 * Returns whether the part takes capacity. Without a limit for its model it only does until the API has accepted its
 * batch, since the next part waits for that.
 */
function takesCapacity({ admitted, is }: Verified, limits: BatchLimits): boolean {
  return is !== 'over' && (is !== 'taken' || mustWaitFor(limits, admitted.model) !== undefined);
}

function asTaken({ admitted: { model, uploadBytes }, is }: Verified): Taken {
  return { model, uploadBytes, pending: is !== 'taken' };
}

/** Returns the open batches that needed no admission. */
function notAdmitted(open: SeenByTick['open'], names: ReadonlySet<string>): Taken[] {
  return [...open]
    .filter(([name]) => !names.has(name))
    .map(([, { model, uploadBytes, status }]) => ({ model, uploadBytes, pending: status === 'validating' }));
}

function asAdmitted({ part, admission }: Chosen): Admitted {
  const { jobId, planId, number, model, uploadBytes, waiting } = part;
  return { jobId, planId, number, model, uploadBytes, since: waiting.since, admission };
}

function remembered({ admitted, is }: Verified): Admitted {
  return is === 'unaware' ? admitted : without(admitted, 'admission');
}

/**
 * Returns the measurements with the completed batches among the ended parts. Failed rows are not billed, so they do not
 * count.
 */
function withMeasuredBatches(
  { enqueuedTokens }: BatchLimits,
  before: Admissions['measured'],
  verified: readonly Verified[],
): Admissions['measured'] {
  const known = Object.entries(before).filter(([model]) => Object.hasOwn(enqueuedTokens, model));
  const measured = new Map(known);
  for (const { is, part, admitted } of verified) {
    const { batch } = part ?? {};
    if (is !== 'over' || !part?.admission || batch?.status !== 'completed') continue;
    const { usage, counts } = batch;
    if (!Object.hasOwn(enqueuedTokens, admitted.model) || !usage || !counts?.completed) continue;
    const bytes = (attemptSize(part).uploadBytes * counts.completed) / Math.max(counts.total, 1);
    const tokens = usage.inputTokens;
    if (tokens > 0)
      measured.set(admitted.model, withMeasured(measured.get(admitted.model), { bytes, tokens }));
  }
  return Object.fromEntries(measured);
}

/** Admits the part, unless its wait has ended since it was chosen. After a failure the next tick admits it. */
async function admit(
  deps: Deps,
  { jobId, planId, number, model, since, admission }: Admitted,
): Promise<void> {
  const ref = { jobId, planId, number };
  if (!admission) return;
  try {
    const admitted = await changePart(deps, ref, (part) => {
      if (part.phase !== 'waiting' && part.phase !== 'requeued') return undefined;
      if (part.waiting.since !== since || part.cancelRequestedAt !== undefined) return undefined;
      const dispatchedUntil = deps.clock.now() + REDISPATCH_AFTER_MS;
      return part.phase === 'waiting'
        ? { ...without(part, 'waiting'), phase: 'ready', admission, dispatchedUntil }
        : { ...without(part, 'waiting'), phase: 'retrying', admission, dispatchedUntil };
    });
    if (!admitted?.changed) return;
    const { estimate } = admission;
    if (estimate && estimate.tokens > estimate.limit)
      deps.log.warn('part_over_token_limit', { jobId, part: number, model, ...estimate });
    await deps.queues.send([{ to: 'submit', ref }]);
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    deps.log.warn('part_not_admitted', { jobId, part: number, reason });
  }
}
