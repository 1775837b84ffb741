/**
 * Admits parts that wait for capacity, at the end of a tick.
 *
 *   1. read     the admitted parts that may not have ended: the admissions, one ledger item
 *   2. verify   read each part that was not observed as an open batch; drop those that ended, and measure their tokens
 *   3. look     what earlier attempts cost, if there is a budget (`tick-budget.ts`)
 *   4. learn    what refusals say about the API's limits (`learn.ts`), and whether breakers are open (`breakers.ts`)
 *   5. choose   decide which parts may begin (`capacity.ts`), and with shares in which order (`fair-turns.ts`)
 *   6. write    store the admissions by compare-and-set. A superseded tick fails here and admits no part
 *   7. admit    change each admitted part. If the tick crashes before, the next tick finds the part among the
 *               admissions
 *
 * There is no counter that could drift: the parts that take capacity are a list, and each is verified. A stale `due`
 * index may show a batch as open for too long, but never as ended too early.
 *
 * Known gaps: if a batch frees capacity for a part that waits for the API's own limit, and the tick crashes before the
 * part is admitted, that capacity is lost. The part then waits until its backoff ends. The batches of other Batchdrops
 * and other programs are not known; only the API's responses show them.
 */
import { MAX_OPEN_BATCHES } from '../../shared/contract/open-batches.ts';
import type { Admissions, Admitted } from '../../shared/domain/ledger-records.ts';
import type { PriceList } from '../../shared/domain/money/price-list.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { Part } from '../../shared/domain/part.ts';
import { REDISPATCH_AFTER_MS } from '../../shared/domain/timing.ts';
import { nameOf, type WaitingPart } from '../../shared/domain/waiting/admission-queue.ts';
import { admittedPart } from '../../shared/domain/waiting/admitted-part.ts';
import { areSet, type BatchLimits, mustWaitFor } from '../../shared/domain/waiting/batch-limits.ts';
import type { Breaker } from '../../shared/domain/waiting/breaker.ts';
import { type LearnedLimit, limitedModels } from '../../shared/domain/waiting/learned-limits.ts';
import type { ShareLeads } from '../../shared/domain/waiting/shares.ts';
import { without } from '../../shared/domain/without.ts';
import { changePart } from '../../shared/lifecycle/compare-and-set.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { checkedBreakers, letProbesPass } from './breakers.ts';
import { Capacity, type Chosen, type KnownCapacity, type Taken } from './capacity.ts';
import { FairTurns } from './fair-turns.ts';
import { learnedFrom, withMeasuredBatches } from './learn.ts';
import type { SeenByTick, Verified } from './seen-by-tick.ts';
import { TickBudget } from './tick-budget.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'queues' | 'api'> & {
  limits: BatchLimits;
  prices: Pick<PriceList, 'at'>;
};

const MAX_PER_TICK = 200; // takes seconds to write, and is far more per hour than the API accepts
const AT_ONCE = 32;

/** The result of the admission in one tick. */
export interface AdmissionReport {
  admitted: number;
  /** The models with a learned limit; absent if this tick did not read them. */
  limited?: string[];
}

/** Admits the parts for which there is capacity. Errors: RetryableError. */
export async function admitParts(deps: Deps, seen: SeenByTick): Promise<AdmissionReport> {
  const { ledger, limits } = deps;
  const breakers = await checkedBreakers(deps, seen.breakers);
  if (!areSet(limits) && seen.queue.length === 0) return { admitted: 0 };
  const before = await ledger.readAdmissions();
  const verified = await verify(deps, before.admitted, seen.open);
  const learned = learnedFrom(deps, before, seen, verified);
  const kept = verified.filter((one) => takesCapacity(one, limits, learned));
  const unaware = kept.filter(({ is }) => is === 'unaware').map(({ admitted }) => admitted);
  const budget = await TickBudget.open(deps, before, { ...seen, unaware: new Set(unaware.map(nameOf)) });
  const measured = withMeasuredBatches({ limits, learned }, before, verified, seen.completed);
  const state = { before, kept, measured, learned, breakers, budget };
  const { queue, chosen, leads } = await choose(deps, seen, state);
  const report = { admitted: 0, limited: limitedModels(limits, learned) };
  const next: Admissions = {
    ...without(before, 'leads'),
    admitted: [...kept.map(remembered), ...chosen.map(asAdmitted)],
    measured,
    ...(learned.length === 0 ? {} : { learned: [...learned] }),
    ...(leads ? { leads } : {}),
    ...(budget ? { spending: budget.after(chosen) } : {}),
  };
  const isOther = (name: keyof Admissions) => JSON.stringify(next[name]) !== JSON.stringify(before[name]);
  const hasChanged = chosen.length > 0 || kept.length < verified.length;
  if (hasChanged || CARRIED.some(isOther)) {
    if (!(await ledger.replaceAdmissions(next))) return { admitted: 0 };
  }
  await inParallel([...unaware, ...chosen.map(asAdmitted)], AT_ONCE, (one) => admit(deps, one));
  await budget?.stop();
  const begun = new Set(chosen.map(({ part }) => part));
  await budget?.tell(queue.filter((part) => !begun.has(part)));
  return { ...report, admitted: chosen.length };
}

const CARRIED = ['measured', 'learned', 'leads', 'spending'] as const;

/** What is known before parts are chosen. */
interface BeforeChoice extends Pick<KnownCapacity, 'measured' | 'learned' | 'breakers'> {
  before: Admissions;
  kept: readonly Verified[];
  breakers: readonly Breaker[];
  budget: TickBudget | undefined;
}

/** Chooses the parts that begin, in the order of their turns. */
async function choose(
  deps: Deps,
  seen: SeenByTick,
  { before, kept, budget, breakers, ...known }: BeforeChoice,
): Promise<{ queue: WaitingPart[]; chosen: Chosen[]; leads: ShareLeads | undefined }> {
  const { clock, limits } = deps;
  const { ended, sawAll } = seen;
  const names = new Set(kept.map(({ admitted }) => nameOf(admitted)));
  const queue = seen.queue.inOrder().filter((part) => !names.has(nameOf(part)));
  const gate = budget?.gate;
  const capacity = new Capacity({ limits, ...known, breakers, ...(gate ? { gate } : {}) }, [
    ...kept.map(asTaken),
    ...notAdmitted(seen.open, names),
  ]);
  const mayProbe = gate ? queue.filter((part) => gate.decide(part).may === 'begin') : queue;
  const probes = await letProbesPass(deps, breakers, mayProbe);
  const turns = limits.shares && new FairTurns(limits.shares, before.leads);
  const now = clock.now();
  const inOrder = turns?.inOrder(queue, capacity.turnFacts(queue, now)) ?? queue;
  const mayBegin = Math.min(MAX_OPEN_BATCHES - kept.length, budget?.capacity ?? Number.POSITIVE_INFINITY);
  const maxChosen = Math.min(MAX_PER_TICK, Math.max(0, mayBegin));
  const chosen = capacity.choose(inOrder, { ended, probes, now }).slice(0, maxChosen);
  const leads = turns?.after(capacity.turnsTaken(queue, chosen, { now, sawAll }));
  return { queue, chosen, leads };
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

/** Returns the state of an admitted part. It takes capacity until its batch ends, or until it ends without one. */
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
 * Returns whether the part takes capacity. If its model has no limit, it does so only until the API has accepted its
 * batch, because the next part waits for that.
 */
function takesCapacity(
  { admitted: { model }, is }: Verified,
  limits: BatchLimits,
  learned: readonly LearnedLimit[],
): boolean {
  if (is === 'over') return false;
  const isLimited = mustWaitFor(limits, model) !== undefined;
  return is !== 'taken' || isLimited || learned.some(({ models }) => models.includes(model));
}

function asTaken({ admitted: { model, uploadBytes, rows = 0 }, is }: Verified): Taken {
  return { model, uploadBytes, rows, pending: is !== 'taken' };
}

/** Returns the open batches that needed no admission. */
function notAdmitted(open: SeenByTick['open'], names: ReadonlySet<string>): Taken[] {
  return [...open]
    .filter(([name]) => !names.has(name))
    .map(([, { model, uploadBytes, rows = 0, status }]) => {
      return { model, uploadBytes, rows, pending: status === 'validating' };
    });
}

function asAdmitted({ part, admission }: Chosen): Admitted {
  const { jobId, planId, number, model, waiting } = part;
  const { uploadBytes = part.uploadBytes, rows = part.rows ?? 0 } = admission.atMost ?? {};
  return { jobId, planId, number, model, uploadBytes, rows, since: waiting.since, admission };
}

function remembered({ admitted, is }: Verified): Admitted {
  return is === 'unaware' ? admitted : without(admitted, 'admission');
}

/** Admits the part, unless its wait has ended since it was chosen. After a failure, the next tick admits it. */
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
      // The event of its rejection says what it waits for. The next tick publishes it again, and then admits the part.
      if (part.rev > part.publishedRev) return undefined;
      const next = admittedPart(part, admission);
      return { ...next, dispatchedUntil: deps.clock.now() + REDISPATCH_AFTER_MS };
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
