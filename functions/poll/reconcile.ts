/**
 * One tick of POLL: the difference between what is and what should be, for every item that is due. The queues are the
 * fast path; what they lose is found here.
 *
 *   1. claim    one tick at a time (`tick-lease.ts`); it begins at the shard which the one before did not get to
 *   2. read     the `due` index says where to look, and which batches only have to be observed
 *   3. serve    every other item is read and taken further, whatever can be published is, for half of the time
 *   4. observe  all open batches of all shards in one survey; each that has changed is changed by compare-and-set
 *   5. admitted   whom there is capacity for, of those that wait (`admit-parts.ts`)
 *   6. release  what is left to the next tick: where to begin, and until when the API wants to be left alone
 *
 * Known gap: of one shard no more than `PER_SHARD` items are seen, those that have been due longest.
 */
import { hasEnded } from '../shared/contract/batch-status.ts';
import { AdmissionQueue, nameOf, waitingPartOf } from '../shared/domain/admission-queue.ts';
import type { BatchLimits } from '../shared/domain/batch-limits.ts';
import { type Control, DUE_SHARDS, type DueItem } from '../shared/domain/ledger-records.ts';
import { type OpenBatch, openBatchOf } from '../shared/domain/open-batch.ts';
import type { ObservedBatch, Part, PartRef } from '../shared/domain/part.ts';
import { isTokenLimitRejection } from '../shared/domain/part-end.ts';
import {
  type AdvanceDeps,
  advanceJob,
  advancePart,
  failedStep,
  quickPartStepHandlers,
  type StepResult,
} from '../shared/lifecycle/advance.ts';
import { applyObserved, endIfLost } from '../shared/lifecycle/apply-observation.ts';
import { OpenBatches } from '../shared/lifecycle/business-metrics.ts';
import { inParallel } from '../shared/lifecycle/in-parallel.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import { admitParts } from './admission/admit-parts.ts';
import { observeBatches } from './observation/observe-batches.ts';
import { claimTick, type LeftOver, releaseTick, shardAfter } from './tick-lease.ts';

export type ReconcileDeps = AdvanceDeps & Pick<Ports, 'api' | 'ids'> & { limits: BatchLimits };

const AT_ONCE = 32; // items side by side, a dozen short calls each
const PER_SHARD = 8_000; // with sixteen of them 128,000; an entry takes a few hundred bytes of memory
const MAX_FULL = 100; // models; what is not noted loses only its place before newcomers
const TIME_TO_ADMIT_MS = 5_000; // however many batches there are to observe, those that wait are not forgotten
const GOLDEN_RATIO = 0.618_033_988_749_895; // its multiples are spread evenly, however many ticks there are

/** What a tick did; `broken` items had a defect, or were in a shard that could not be read, and are tried again later. */
export interface Tick {
  served: number;
  broken: number;
  outOfTime: boolean;
  /** Batches to observe, and calls to the API that took. */
  open: number;
  calls: number;
  /** Parts that waited for room, and how many of them were admitted. */
  waiting: number;
  admitted: number;
}

/** Undefined: another tick is still at it. Errors: RetryableError. */
export async function reconcile(deps: ReconcileDeps, deadline: Deadline): Promise<Tick | undefined> {
  const claimed = await claimTick(deps, deadline);
  if (!claimed) return undefined;
  const reconciliation = new Reconciliation(deps, deadline, claimed.before);
  let finishedAt: number | undefined;
  try {
    await reconciliation.run();
    finishedAt = deps.clock.now();
  } finally {
    await releaseTick(deps, claimed.mine, { ...reconciliation.left(), finishedAt });
  }
  deps.metrics.record('Ticks', 1);
  reconciliation.openBatches.record(deps.metrics, deps.clock.now());
  return reconciliation.tick;
}

interface DueInShard {
  shard: number;
  item: DueItem;
}

class Reconciliation {
  readonly openBatches = new OpenBatches();
  readonly tick: Tick = {
    served: 0,
    broken: 0,
    outOfTime: false,
    open: 0,
    calls: 0,
    waiting: 0,
    admitted: 0,
  };
  readonly #deps: ReconcileDeps;
  readonly #turn: Deadline;
  readonly #control: Control;
  readonly #firstShard: number;
  /** Shards that are yet to be read. */
  #shards: number[];
  /** Items that are yet to be served, in the order of the shards. */
  #items: DueInShard[] = [];
  #toObserve = new Map<string, { ref: PartRef; open: OpenBatch }>();
  /** A shard could not be read. */
  #isBlind = false;
  #observeFrom: number;
  readonly #queue = new AdmissionQueue();
  /** Open batches as last known, by the names of their parts. */
  readonly #open = new Map<string, OpenBatch>();
  /** Batches that were rejected for the token limit: they are told where they stand when all are known. */
  #tokenLimited: { ref: PartRef; known: OpenBatch; observed: ObservedBatch }[] = [];
  /** Batches that were seen to end, by model. */
  readonly #ended = new Map<string, number>();
  #observeFirst: string[];

  constructor(deps: ReconcileDeps, deadline: Deadline, control: Control) {
    this.#deps = deps;
    this.#turn = deadline;
    this.#control = control;
    this.#firstShard = control.nextShard ?? 0;
    this.#shards = Array.from({ length: DUE_SHARDS }, (_, index) => (this.#firstShard + index) % DUE_SHARDS);
    this.#observeFrom = control.observeFrom ?? 0;
    this.#observeFirst = control.observeFirst ?? [];
  }

  async run(): Promise<void> {
    await this.#serveAll();
    await this.#admit();
  }

  async #serveAll(): Promise<void> {
    // Observing comes after publishing, and must not wait for all of it. What is left then has the rest of the time.
    for (let share = 2; this.#shards.length + this.#items.length > 0; share = 1) {
      if (this.#isOver()) {
        this.tick.outOfTime = true;
        return;
      }
      await this.#readShards(this.#timeFor(4));
      await this.#serveItems(this.#timeFor(share));
      await this.#observe();
    }
  }

  /** What the next tick has to know. */
  left(): LeftOver {
    const nextShard = this.#items[0]?.shard ?? this.#shards[0] ?? shardAfter(this.#firstShard);
    const full = this.#full();
    return {
      nextShard,
      ...(this.#observeFrom > 0 ? { observeFrom: this.#observeFrom } : {}),
      ...(this.#observeFirst.length > 0 ? { observeFirst: this.#observeFirst } : {}),
      ...(full.length > 0 ? { full } : {}),
    };
  }

  /** Models of which parts wait for the API's limit; where a shard was not read it stays as it was. */
  #full(): string[] {
    const full = new Set(this.#shards.length > 0 || this.#isBlind ? this.#control.full : []);
    for (const { model, waiting } of this.#queue.inOrder())
      if (waiting.for === 'token_limit' && !waiting.alone) full.add(model);
    return [...full].slice(0, MAX_FULL);
  }

  /** One at least, one after the other: what they cost is then known before the next. */
  async #readShards(until: number): Promise<void> {
    for (let read = 0; this.#shards.length > 0; read += 1) {
      if (read > 0 && this.#deps.clock.now() >= until) return;
      const shard = this.#shards[0] ?? 0;
      for (const item of await this.#dueIn(shard)) {
        if (item.kind === 'part' && item.open) this.#isOpen(item, item.open);
        else if (item.kind === 'part' && item.waits) this.#queue.add(item.waits);
        else this.#items.push({ shard, item });
      }
      this.#shards.shift();
    }
  }

  /** Nothing when the shard cannot be read: the others are served all the same. */
  async #dueIn(shard: number): Promise<DueItem[]> {
    const { ledger, clock, log } = this.#deps;
    try {
      return await ledger.due(shard, clock.now(), PER_SHARD);
    } catch (failure) {
      log.error('shard_not_read', { shard }, failure);
      this.#isBlind = true;
      this.tick.broken += 1;
      return [];
    }
  }

  async #serveItems(until: number): Promise<void> {
    const left: DueInShard[] = [];
    await inParallel(this.#items, AT_ONCE, async (due) => {
      if (this.#deps.clock.now() >= until || this.#turn.signal.aborted) left.push(due);
      else await this.#serve(due.item, () => this.#take(due.item));
    });
    this.#items = left;
  }

  #take(item: DueItem): Promise<StepResult> {
    if (item.kind === 'job') return advanceJob(this.#deps, item.jobId, {});
    const stepHandlers = {
      ...quickPartStepHandlers(this.#deps),
      observe: async (part: Part) => {
        if (part.batch) this.#isOpen(item, openBatchOf(part, part.batch));
        return false;
      },
      'await-admission': this.#enqueue,
    };
    return advancePart(this.#deps, item, stepHandlers, this.#control.paused);
  }

  #isOpen(ref: PartRef, open: OpenBatch): void {
    this.#toObserve.set(open.batchId, { ref, open });
    this.#open.set(nameOf(ref), open);
  }

  readonly #enqueue = async (part: Part): Promise<false> => {
    const waits = waitingPartOf(part);
    if (waits) this.#queue.add(waits);
    return false;
  };

  /** An operator's pause keeps everybody where they are. */
  async #admit(): Promise<void> {
    this.tick.waiting = this.#queue.length;
    if (this.#control.paused) return;
    const seen = { line: this.#queue, open: this.#open, ended: this.#ended };
    try {
      this.tick.admitted = await admitParts(this.#deps, seen);
    } catch (failure) {
      this.#deps.log.error('admission_failed', {}, failure);
      this.tick.broken += 1;
    }
  }

  async #observe(): Promise<void> {
    const toObserve = this.#toObserve;
    this.#toObserve = new Map();
    if (toObserve.size === 0 || this.#deps.clock.now() < this.#observeFrom) return;
    const refOf = ({ batchId }: OpenBatch) => toObserve.get(batchId)?.ref;
    const open = [...toObserve.values()].map((entry) => entry.open);
    for (const each of open) this.openBatches.add(each);
    const rotation = (this.#control.version * GOLDEN_RATIO) % 1;
    const report = await observeBatches(
      this.#deps,
      open,
      { rotation, first: this.#observeFirst },
      {
        isOver: () =>
          this.#deps.clock.now() >= this.#turn.until - TIME_TO_ADMIT_MS || this.#turn.signal.aborted,
        seen: async (known, observed) => this.#see(refOf(known), known, observed),
        failed: async (known, failure) => {
          const ref = refOf(known);
          if (ref) await this.#serve(ref, () => this.#unseen(ref, failure));
        },
      },
    );
    await this.#applyTokenLimited();
    this.tick.open += open.length;
    this.tick.calls += report.calls;
    this.tick.outOfTime ||= report.cutShort;
    if (report.broken) this.tick.broken += 1;
    this.#observeFrom = report.observeFrom ?? 0;
    this.#observeFirst = report.left;
  }

  async #see(ref: PartRef | undefined, known: OpenBatch, observed: ObservedBatch): Promise<void> {
    if (!ref) return;
    if (observed.status === known.status) {
      this.tick.served += 1;
      return;
    }
    this.openBatches.add(observed);
    if (isTokenLimitRejection(observed)) {
      this.#tokenLimited.push({ ref, known, observed });
      this.#queue.announce({ ...known, ...ref });
    } else await this.#apply(ref, known, observed);
  }

  async #applyTokenLimited(): Promise<void> {
    const tokenLimitRejections = this.#tokenLimited;
    this.#tokenLimited = [];
    await inParallel(tokenLimitRejections, AT_ONCE, async ({ ref, known, observed }) => {
      if (!this.#isOver()) await this.#apply(ref, known, observed);
    });
  }

  async #apply(ref: PartRef, known: OpenBatch, observed: ObservedBatch): Promise<void> {
    await this.#serve(ref, async () => {
      try {
        if (await applyObserved(this.#deps, ref, observed, this.#queue)) this.#noteEnd(ref, known, observed);
      } catch (failure) {
        return failedStep(this.#deps, ref, 'observe', failure);
      }
      const stepHandlers = {
        ...quickPartStepHandlers(this.#deps),
        observe: async () => false, // it was, just now
        'await-admission': this.#enqueue,
      };
      return advancePart(this.#deps, ref, stepHandlers, this.#control.paused);
    });
  }

  #noteEnd(ref: PartRef, { model }: OpenBatch, observed: ObservedBatch): void {
    if (!hasEnded(observed.status)) return;
    this.#open.delete(nameOf(ref));
    if (!isTokenLimitRejection(observed)) this.#ended.set(model, (this.#ended.get(model) ?? 0) + 1);
  }

  async #unseen(ref: PartRef, failure: unknown): Promise<StepResult> {
    if (await endIfLost(this.#deps, ref, failure)) return 'fine';
    return failedStep(this.#deps, ref, 'observe', failure);
  }

  async #serve(ref: { jobId: string; number?: number }, work: () => Promise<StepResult>): Promise<void> {
    this.tick.served += 1;
    try {
      if ((await work()) === 'broken') this.tick.broken += 1;
    } catch (failure) {
      this.#deps.log.error('item_not_served', { jobId: ref.jobId, part: ref.number }, failure);
      this.tick.broken += 1;
    }
  }

  #isOver(): boolean {
    return this.#deps.clock.now() >= this.#turn.until || this.#turn.signal.aborted;
  }

  /** The end of a share of the time that is left. */
  #timeFor(share: number): number {
    const now = this.#deps.clock.now();
    return now + (this.#turn.until - now) / share;
  }
}
