/**
 * One tick of POLL: the difference between what is and what should be, for every item that is due. The queues are the fast
 * path; what they lose is found here.
 *
 *   1. claim    one tick at a time (`tick-lease.ts`); it begins at the shard that the one before did not get to
 *   2. read     the `due` index says where to look, and which batches only have to be observed (`due-items.ts`)
 *   3. serve    every other item is read and taken further, whatever can be published is, for half of the time
 *   4. observe  all open batches of all shards in one survey; each that has changed is changed by compare-and-set
 *               (`observation/tick-observation.ts`)
 *   5. admit    the parts that there is capacity for, of those that wait (`admission/admit-parts.ts`)
 *   6. release  what is left to the next tick: where to begin, and until when the API wants to be left alone
 */
import { AdmissionQueue, waitingPartOf } from '../shared/domain/admission-queue.ts';
import type { BatchLimits } from '../shared/domain/batch-limits.ts';
import type { Control, DueItem } from '../shared/domain/ledger-records.ts';
import { openBatchOf } from '../shared/domain/open-batch.ts';
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
import { claimTick, type LeftOver, releaseTick } from './tick-lease.ts';

export type ReconcileDeps = AdvanceDeps & Pick<Ports, 'api' | 'ids'> & { limits: BatchLimits };

const MAX_FULL = 100; // models; what is not noted loses only its place before newcomers

/** Undefined: another tick is still running. Errors: RetryableError. */
export async function reconcile(deps: ReconcileDeps, deadline: Deadline): Promise<TickReport | undefined> {
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
  reconciliation.observation.openBatches.record(deps.metrics, deps.clock.now());
  return reconciliation.tick.report;
}

class Reconciliation {
  readonly tick: Tick;
  readonly observation: TickObservation;
  readonly #deps: ReconcileDeps;
  readonly #deadline: Deadline;
  readonly #control: Control;
  readonly #due: DueItems;
  readonly #queue = new AdmissionQueue();

  constructor(deps: ReconcileDeps, deadline: Deadline, control: Control) {
    this.#deps = deps;
    this.#deadline = deadline;
    this.#control = control;
    this.tick = new Tick(deps);
    this.#due = new DueItems(deps, this.tick, control.nextShard ?? 0);
    const of = { tick: this.tick, deadline, control, queue: this.#queue };
    this.observation = new TickObservation(deps, of, (inHand) => this.#advanceObserved(inHand));
  }

  async run(): Promise<void> {
    await this.#serveAll();
    await this.#admit();
  }

  /** What the next tick has to know. */
  left(): LeftOver {
    const full = this.#full();
    return {
      nextShard: this.#due.nextShard,
      ...this.observation.left(),
      ...(full.length > 0 ? { full } : {}),
    };
  }

  async #serveAll(): Promise<void> {
    // Observing comes after publishing, and must not wait for all of it. What is left then has the rest of the time.
    for (let share = 2; !this.#due.isEmpty; share = 1) {
      if (this.#isOver()) {
        this.tick.report.outOfTime = true;
        return;
      }
      await this.#due.read(this.#timeFor(4), (item) => this.#sort(item));
      await this.#due.serve(this.#timeFor(share), this.#deadline, (item) =>
        this.tick.serve(item, () => this.#take(item)),
      );
      await this.observation.observe();
    }
  }

  /** Models of which parts wait for the API's limit; where a shard was not read it stays as it was. */
  #full(): string[] {
    const full = new Set(this.#due.sawAll ? [] : this.#control.full);
    for (const { model, waiting } of this.#queue.inOrder())
      if (waiting.for === 'token_limit' && !waiting.alone) full.add(model);
    return [...full].slice(0, MAX_FULL);
  }

  /** What the index itself says all of need not be read. */
  #sort(item: DueItem): 'taken' | 'to-serve' {
    if (item.kind === 'part' && item.open) this.observation.add(item, item.open);
    else if (item.kind === 'part' && item.waits) this.#queue.add(item.waits);
    else return 'to-serve';
    return 'taken';
  }

  async #take(item: DueItem): Promise<StepResult> {
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

  /** A batch that was observed just now is not observed again. */
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

  /** While an operator pauses submission, nothing is admitted. */
  async #admit(): Promise<void> {
    this.tick.report.waiting = this.#queue.length;
    if (this.#control.paused) return;
    const { open, ended } = this.observation;
    try {
      this.tick.report.admitted = await admitParts(this.#deps, { queue: this.#queue, open, ended });
    } catch (failure) {
      this.tick.noteBroken('admission_failed', {}, failure);
    }
  }

  #isOver(): boolean {
    return this.#deps.clock.now() >= this.#deadline.until || this.#deadline.signal.aborted;
  }

  /** The end of a share of the time that is left. */
  #timeFor(share: number): number {
    const now = this.#deps.clock.now();
    return now + (this.#deadline.until - now) / share;
  }
}
