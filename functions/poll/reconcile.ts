/**
 * Runs one tick of POLL: it advances every item that is due. The queues are the fast path; POLL finds what they lost.
 *
 *   1. claim    take the tick lease, so that one tick runs at a time (`tick-lease.ts`). While nothing is due, read first, and
 *               end there
 *   2. read     read from the `due` index which items to handle, and which batches only have to be observed
 *               (`due-items.ts`)
 *   3. serve    read and advance every other item, for half of the time
 *   4. observe  observe all open batches in one survey, and change the parts whose batches changed, by compare-and-set
 *               (`observation/tick-observation.ts`)
 *   5. admit    admit waiting parts for which there is capacity (`admission/admit-parts.ts`)
 *   6. release  store the state for the next tick: the first shard, the time before which the API wants no calls, and
 *               what completed batches used (`measured-rows.ts`)
 */

import type { Control, DueItem } from '../shared/domain/ledger-records.ts';
import type { PriceList } from '../shared/domain/money/price-list.ts';
import { openBatchOf } from '../shared/domain/open-batch.ts';
import { AdmissionQueue, waitingPartOf } from '../shared/domain/waiting/admission-queue.ts';
import { areSet, type BatchLimits } from '../shared/domain/waiting/batch-limits.ts';
import {
  type AdvanceDeps,
  advanceJob,
  advancePart,
  type PartStepHandlers,
  quickPartStepHandlers,
  type StepResult,
} from '../shared/lifecycle/advance.ts';
import { type PartInHand, takeJob, takePart } from '../shared/lifecycle/compare-and-set.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import { admitParts } from './admission/admit-parts.ts';
import { DueItems } from './due-items.ts';
import { TickObservation } from './observation/tick-observation.ts';
import { Tick, type TickReport } from './tick.ts';
import { claimTick, mayRest, releaseTick, type TickCause, type TickState } from './tick-lease.ts';

export type ReconcileDeps = AdvanceDeps &
  Pick<Ports, 'api' | 'ids'> & {
    limits: BatchLimits;
    prices: Pick<PriceList, 'at'>;
    /** How often all open batches are observed, in milliseconds; absent or 0: at each tick. */
    observeIntervalMs?: number;
    /** Webhooks also report ends. */
    webhooks?: true;
    /** Each completed tick is reported as a metric. */
    heartbeat?: true;
  };

const MAX_FULL = 100; // models; for further ones, new parts may overtake waiting ones

/**
 * Runs one tick and returns its report; undefined if another tick is still running, if no part waits for what the end of a batch
 * freed, or if nothing is due and was not at the last tick either. Errors: RetryableError.
 */
export async function reconcile(
  deps: ReconcileDeps,
  deadline: Deadline,
  cause: TickCause = 'schedule',
): Promise<TickReport | undefined> {
  const before = await deps.ledger.readControl();
  if (cause === 'end' && !before.partsWait) {
    deps.log.info('tick_not_needed');
    return undefined;
  }
  const reconciliation = new Reconciliation(deps, deadline, before);
  const mayEnd = !areSet(deps.limits) && mayRest(before, deps.clock.now()); // with limits, each tick checks them
  if (mayEnd && (await reconciliation.findsNothing())) {
    noteTick(deps);
    return undefined;
  }
  const mine = await claimTick(deps, before, deadline);
  if (!mine) return undefined;
  let finishedAt: number | undefined;
  try {
    await reconciliation.run();
    finishedAt = deps.clock.now();
  } finally {
    const used = reconciliation.observation.used;
    await releaseTick(deps, mine, { ...reconciliation.stateForNextTick(), finishedAt, used });
  }
  reconciliation.observation.openBatches.record(deps.metrics, deps.clock.now());
  noteTick(deps);
  return reconciliation.tick.report;
}

function noteTick({ heartbeat, metrics }: ReconcileDeps): void {
  if (heartbeat) metrics.record('Ticks', 1);
}

class Reconciliation {
  readonly tick: Tick;
  readonly observation: TickObservation;
  readonly #deps: ReconcileDeps;
  readonly #deadline: Deadline;
  readonly #control: Control;
  readonly #due: DueItems;
  readonly #queue = new AdmissionQueue();
  /** Models with a learned limit. */
  #limited: readonly string[];

  constructor(deps: ReconcileDeps, deadline: Deadline, control: Control) {
    this.#deps = deps;
    this.#deadline = deadline;
    this.#control = control;
    this.#limited = control.limited ?? [];
    this.tick = new Tick(deps);
    this.#due = new DueItems(deps, this.tick, control.nextShard ?? 0);
    const of = { tick: this.tick, deadline, control, queue: this.#queue };
    this.observation = new TickObservation(deps, of, (inHand) => this.#advanceObserved(inHand));
  }

  /** Reads what is due, as `run` otherwise does, and returns whether nothing is. */
  async findsNothing(): Promise<boolean> {
    await this.#read();
    return this.#due.foundNothing;
  }

  async run(): Promise<void> {
    await this.#serveAll();
    await this.#admit();
  }

  /** Returns the state that the next tick needs. */
  stateForNextTick(): TickState {
    const full = this.#full();
    const limited = this.#limited.slice(0, MAX_FULL);
    const mayWait = this.#queue.length > this.tick.report.admitted;
    const partsWait = mayWait || (!this.#due.sawAll && this.#control.partsWait);
    return {
      nextShard: this.#due.nextShard,
      ...this.observation.stateForNextTick(),
      ...(full.length > 0 ? { full } : {}),
      ...(limited.length > 0 ? { limited } : {}),
      ...(partsWait ? { partsWait } : {}),
      ...(this.#due.foundNothing ? { idle: true as const } : {}),
    };
  }

  async #serveAll(): Promise<void> {
    // First handle items for half of the time, so that observation need not wait for all of them; then handle the
    // others.
    for (let share = 2; ; share = 1) {
      if (this.#isOver()) {
        this.tick.report.outOfTime = true;
        return;
      }
      await this.#read();
      await this.#due.serve(this.#timeFor(share), this.#deadline, (item) =>
        this.tick.serve(item, () => this.#serve(item)),
      );
      await this.observation.observe();
      if (this.#due.isEmpty) return;
    }
  }

  #read(): Promise<void> {
    return this.#due.read(this.#timeFor(4), (item) => this.#takeProjected(item));
  }

  /**
   * Returns the models with parts that wait for the API's limit. If a shard was not read, the earlier models are kept.
   */
  #full(): string[] {
    const full = new Set(this.#due.sawAll ? [] : this.#control.full);
    for (const { model, waiting } of this.#queue.inOrder())
      if (waiting.for === 'token_limit' && !waiting.alone) full.add(model);
    return [...full].slice(0, MAX_FULL);
  }

  /** Takes an item that its index entry describes completely. All other items must be read. */
  #takeProjected(item: DueItem): 'taken' | 'to-serve' {
    if (item.kind === 'part' && item.open) this.observation.add(item, item.open);
    else if (item.kind === 'part' && item.waits) this.#queue.add(item.waits);
    else return 'to-serve';
    return 'taken';
  }

  async #serve(item: DueItem): Promise<StepResult> {
    if (item.kind === 'job') {
      const job = await takeJob(this.#deps, item.jobId);
      return job ? advanceJob(this.#deps, job, {}) : 'fine';
    }
    const part = await takePart(this.#deps, item);
    if (!part) return 'fine';
    const observe = async ({ item: known, ref }: PartInHand) => {
      if (known.phase === 'running') this.observation.add(ref, openBatchOf(known));
      return false;
    };
    return this.#advance(part, { observe });
  }

  /** Advances a part whose batch was just observed, without observing it again. */
  #advanceObserved(inHand: PartInHand): Promise<StepResult> {
    return this.#advance(inHand, { observe: async () => false });
  }

  #advance(inHand: PartInHand, stepHandlers: PartStepHandlers): Promise<StepResult> {
    const all = {
      ...quickPartStepHandlers(this.#deps),
      ...stepHandlers,
      'await-admission': this.#enqueue,
    };
    return advancePart(this.#deps, inHand, all, this.#control.paused);
  }

  readonly #enqueue = async ({ item }: PartInHand): Promise<false> => {
    if (item.phase === 'waiting' || item.phase === 'requeued') this.#queue.add(waitingPartOf(item));
    return false;
  };

  /** Admits parts, unless an operator paused submission, or the lease has ended: what was read is then too old. */
  async #admit(): Promise<void> {
    this.tick.report.waiting = this.#queue.length;
    if (this.#control.paused || this.#deps.clock.now() >= this.#deadline.until) return;
    const { open, ended, completed } = this.observation;
    const { breakers = [], measured = [] } = this.#control;
    try {
      const { sawAll } = this.#due;
      const seen = { queue: this.#queue, open, ended, completed, breakers, sawAll, measured };
      const { admitted, limited } = await admitParts(this.#deps, seen);
      this.tick.report.admitted = admitted;
      this.#limited = limited ?? this.#limited;
    } catch (failure) {
      this.tick.noteBroken('admission_failed', {}, failure);
    }
  }

  #isOver(): boolean {
    return this.#deps.clock.now() >= this.#deadline.until || this.#deadline.signal.aborted;
  }

  /** Returns the end of the given fraction of the remaining time. A `share` of 2 means one half. */
  #timeFor(share: number): number {
    const now = this.#deps.clock.now();
    return now + (this.#deadline.until - now) / share;
  }
}
