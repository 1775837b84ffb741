/**
 * Admits parts that wait for capacity: what POLL does at the end of a tick.
 *
 *   1. read     who was admitted before and is not known to be over: the admissions, one item of the ledger
 *   2. verify   a part that is not seen as an open batch is read; what is over leaves, and its tokens are measured
 *   3. choose   which parts may begin (`capacity.ts`)
 *   4. write    the admissions, by compare-and-set: a poller that was overtaken fails here, and admits nobody
 *   5. admit    each part gets its admission. Dying before it leaves it to the next tick, which finds it among the admissions
 *
 * No counter is kept that could drift: what takes capacity is a list of parts, each of which is verified. An index that is
 * behind shows a batch as open for longer than it is, never for shorter.
 *
 * Known gaps: capacity that a batch frees for a part that waits for the API's own limit is forgotten when the tick dies before
 * it is given away; that part then waits for the end of its pause. What other Batchdrops and other programs have open is not
 * known: only the API's own answer shows it.
 */
import { MAX_OPEN_BATCHES } from '../../shared/contract/open-batches.ts';
import { type AdmissionQueue, nameOf } from '../../shared/domain/admission-queue.ts';
import { areSet, type BatchLimits, mustWaitFor } from '../../shared/domain/batch-limits.ts';
import type { Admissions, Admitted } from '../../shared/domain/ledger-records.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { Part } from '../../shared/domain/part.ts';
import { attemptSize } from '../../shared/domain/part.ts';
import { MESSAGE_PATIENCE_MS } from '../../shared/domain/timing.ts';
import { withMeasured } from '../../shared/domain/tokens.ts';
import { without } from '../../shared/domain/without.ts';
import { changePart } from '../../shared/lifecycle/compare-and-set.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { Capacity, type Chosen, type Taken } from './capacity.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'queues'> & { limits: BatchLimits };

const MAX_PER_TICK = 200; // seconds of writing; hour by hour it is far more than the API takes
const AT_ONCE = 32;

/** What a tick has seen. */
interface SeenByTick {
  queue: AdmissionQueue;
  /** Open batches by the names of their parts, as last known. */
  open: ReadonlyMap<string, OpenBatch>;
  /** How many batches of a model were seen to end. */
  ended: ReadonlyMap<string, number>;
}

/** An admission, and how its part is; `unaware`: the tick died before the part was changed. */
interface Verified {
  admitted: Admitted;
  is: 'unaware' | 'pending' | 'taken' | 'over';
  part?: Part;
}

/** Admits the parts that there is capacity for; returns how many. Errors: RetryableError. */
export async function admitParts(deps: Deps, seen: SeenByTick): Promise<number> {
  const { ledger, clock, limits } = deps;
  if (!areSet(limits) && seen.queue.length === 0) return 0;
  const before = await ledger.readAdmissions();
  const verified = await verify(deps, before.admitted, seen.open);
  const kept = verified.filter((one) => isToBeKept(one, limits));
  const names = new Set(kept.map(({ admitted }) => nameOf(admitted)));
  const queue = seen.queue.inOrder().filter((part) => !names.has(nameOf(part)));
  const measured = learned(limits, before.measured, verified);
  const capacity = new Capacity(limits, measured, [...kept.map(asTaken), ...elsewhere(seen.open, names)]);
  const most = Math.min(MAX_PER_TICK, Math.max(0, MAX_OPEN_BATCHES - kept.length));
  const chosen = capacity.choose(queue, seen.ended, clock.now()).slice(0, most);
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

/** A part that was admitted takes capacity until its batch has ended, or it has ended without one. */
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
    case 'batch_ended':
    case 'ended':
    case 'delivered':
      return 'over';
  }
}

/** Without limits only what the API has not yet accepted matters: the next part waits for its answer. */
function isToBeKept({ admitted, is }: Verified, limits: BatchLimits): boolean {
  return is !== 'over' && (is !== 'taken' || mustWaitFor(limits, admitted.model) !== undefined);
}

function asTaken({ admitted: { model, uploadBytes }, is }: Verified): Taken {
  return { model, uploadBytes, pending: is !== 'taken' };
}

/** Open batches that needed no admission. */
function elsewhere(open: SeenByTick['open'], names: ReadonlySet<string>): Taken[] {
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

/** Input tokens per byte as completed batches were billed them; rows that failed were billed none. */
function learned(
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

/** Admits the part, unless it no longer waits as it did when it was chosen. What fails is done by the next tick. */
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
      const dispatchedUntil = deps.clock.now() + MESSAGE_PATIENCE_MS;
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
