import { hasEnded } from '../../shared/contract/batch-status.ts';
import type { Control } from '../../shared/domain/ledger-records.ts';
import { type UsedRows, usedRows } from '../../shared/domain/money/measured-rows.ts';
import type { OpenBatch } from '../../shared/domain/open-batch.ts';
import type { ObservedBatch, PartRef } from '../../shared/domain/part.ts';
import { isTokenLimitRejection } from '../../shared/domain/part-end.ts';
import { type AdmissionQueue, nameOf } from '../../shared/domain/waiting/admission-queue.ts';
import { without } from '../../shared/domain/without.ts';
import { failedStep, type StepResult } from '../../shared/lifecycle/advance.ts';
import { applyObserved, endIfLost } from '../../shared/lifecycle/apply-observation.ts';
import { OpenBatches, recordEnd } from '../../shared/lifecycle/business-metrics.ts';
import { changePart, type PartInHand, takePart } from '../../shared/lifecycle/compare-and-set.ts';
import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import { cancelSecondBatch } from '../../shared/lifecycle/spending/second-batches.ts';
import type { Deadline, Ports } from '../../shared/ports/ports.ts';
import type { CompletedBatch } from '../admission/seen-by-tick.ts';
import type { Tick } from '../tick.ts';
import { isProgressToNote, withProgress } from './noted-progress.ts';
import { observeBatches } from './observe-batches.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api'> & {
  observeIntervalMs?: number;
  webhooks?: true;
};

const AT_ONCE = 32; // parts in parallel, each with a few short calls
const TIME_TO_ADMIT_MS = 5_000; // reserved, however many batches there are to observe
const SLACK_MS = 5_000; // ticks do not begin at exact seconds
const GOLDEN_RATIO = 0.618_033_988_749_895; // its multiples modulo 1 are evenly distributed, for any number of ticks

interface Seen {
  ref: PartRef;
  known: OpenBatch;
  observed: ObservedBatch;
}

/** Observes the open batches of one tick in one survey, and applies the changes. */
export class TickObservation {
  readonly openBatches = new OpenBatches();
  readonly #deps: Deps;
  readonly #tick: Tick;
  readonly #deadline: Deadline;
  readonly #control: Control;
  readonly #queue: AdmissionQueue;
  /** Advances a part after a change. */
  readonly #advance: (inHand: PartInHand) => Promise<StepResult>;
  #toObserve = new Map<string, { ref: PartRef; open: OpenBatch }>();
  /** The open batches as last observed, by the names of their parts. */
  readonly #open = new Map<string, OpenBatch>();
  /** How many batches have ended, by model. */
  readonly #ended = new Map<string, number>();
  /** The batches that completed, by the names of their parts. */
  readonly #completed = new Map<string, CompletedBatch>();
  /** What the rows of batches that completed used. */
  readonly #used: UsedRows[] = [];
  /**
   * The batches rejected for the token limit. They are handled together, because the queue positions depend on all of
   * them.
   */
  #tokenLimited: Seen[] = [];
  #observeFrom: number;
  #observeFirst: string[];
  readonly #observesAll: boolean;
  readonly #observedAt: number | undefined;

  constructor(
    deps: Deps,
    of: { tick: Tick; deadline: Deadline; control: Control; queue: AdmissionQueue },
    advance: (inHand: PartInHand) => Promise<StepResult>,
  ) {
    this.#deps = deps;
    this.#tick = of.tick;
    this.#deadline = of.deadline;
    this.#control = of.control;
    this.#queue = of.queue;
    this.#advance = advance;
    this.#observeFrom = of.control.observeFrom ?? 0;
    this.#observeFirst = of.control.observeFirst ?? [];
    const { observedAt } = of.control;
    const now = deps.clock.now();
    this.#observesAll =
      observedAt === undefined || now >= observedAt + (deps.observeIntervalMs ?? 0) - SLACK_MS;
    this.#observedAt = this.#observesAll ? now : observedAt;
  }

  get open(): ReadonlyMap<string, OpenBatch> {
    return this.#open;
  }

  get ended(): ReadonlyMap<string, number> {
    return this.#ended;
  }

  get completed(): ReadonlyMap<string, CompletedBatch> {
    return this.#completed;
  }

  get used(): readonly UsedRows[] {
    return this.#used;
  }

  /** Returns the state that the next tick needs. */
  stateForNextTick(): Pick<Control, 'observeFrom' | 'observeFirst' | 'observedAt'> {
    const isPaced = this.#deps.observeIntervalMs !== undefined && this.#deps.observeIntervalMs > 0;
    return {
      ...(isPaced && this.#observedAt !== undefined ? { observedAt: this.#observedAt } : {}),
      ...(this.#observeFrom > 0 ? { observeFrom: this.#observeFrom } : {}),
      ...(this.#observeFirst.length > 0 ? { observeFirst: this.#observeFirst } : {}),
    };
  }

  add(ref: PartRef, open: OpenBatch): void {
    this.#open.set(nameOf(ref), open);
    if (this.#isToObserve(open)) this.#toObserve.set(open.batchId, { ref, open });
    else this.openBatches.add(open);
  }

  /**
   * Between two observations of all open batches, a tick observes only some of them: those with an end that a webhook
   * reported, those that no call has confirmed, and those that the last full observation did not reach.
   */
  #isToObserve({ batchId, told, unconfirmed }: OpenBatch): boolean {
    return this.#observesAll || told === true || unconfirmed === true || this.#observeFirst.includes(batchId);
  }

  /** Observes the batches added since the last call. */
  async observe(): Promise<void> {
    const toObserve = this.#toObserve;
    this.#toObserve = new Map();
    if (toObserve.size === 0 || this.#deps.clock.now() < this.#observeFrom) return;
    const open = [...toObserve.values()].map((entry) => entry.open);
    for (const each of open) this.openBatches.add(each);
    const refOf = ({ batchId }: OpenBatch) => toObserve.get(batchId)?.ref;
    const rotation = (this.#control.version * GOLDEN_RATIO) % 1;
    const survey = await observeBatches(
      this.#deps,
      open,
      { rotation, first: this.#observeFirst },
      {
        isOver: () => this.#isOver(TIME_TO_ADMIT_MS),
        seen: async (known, observed) => {
          const ref = refOf(known);
          if (ref) await this.#see({ ref, known, observed });
        },
        seenSecond: async (known, observed) => {
          const ref = refOf(known);
          if (ref) await this.#tick.serve(ref, () => this.#cancelSecond({ ref, known, observed }));
        },
        failed: async (known, failure) => {
          const ref = refOf(known);
          if (ref) await this.#tick.serve(ref, () => this.#noteUnobserved(ref, failure));
        },
      },
    );
    await this.#applyTokenLimited();
    const { report } = this.#tick;
    report.open += open.length;
    report.calls += survey.calls;
    report.outOfTime ||= survey.outOfTime;
    if (survey.broken) report.broken += 1;
    this.#observeFrom = survey.observeFrom ?? 0;
    this.#observeFirst = survey.unobserved;
  }

  async #see(seen: Seen): Promise<void> {
    const { ref, known, observed } = seen;
    if (observed.status === known.status) {
      if (known.unconfirmed) await this.#tick.serve(ref, () => this.#confirm(ref, known));
      else if (isProgressToNote(known, observed, this.#deps.clock.now()))
        await this.#tick.serve(ref, () => this.#noteProgress(ref, observed));
      else this.#tick.report.served += 1;
      return;
    }
    this.openBatches.add({ ...known, status: observed.status });
    if (isTokenLimitRejection(observed)) {
      this.#tokenLimited.push(seen);
      this.#queue.announce({ ...known, ...ref });
    } else await this.#apply(seen);
  }

  async #applyTokenLimited(): Promise<void> {
    const tokenLimited = this.#tokenLimited;
    this.#tokenLimited = [];
    await inParallel(tokenLimited, AT_ONCE, async (seen) => {
      if (!this.#isOver(0)) await this.#apply(seen);
    });
  }

  #apply(seen: Seen): Promise<void> {
    const { ref, observed } = seen;
    return this.#tick.serve(ref, async () => {
      const inHand = await takePart(this.#deps, ref);
      if (!inHand) return 'fine';
      try {
        if (await applyObserved(this.#deps, inHand, observed, this.#queue)) this.#noteEnd(seen);
      } catch (failure) {
        return failedStep(this.#deps, inHand, 'observe', failure);
      }
      return this.#advance(inHand);
    });
  }

  /** Records that another call than the create has shown the batch. */
  async #confirm(ref: PartRef, { batchId }: OpenBatch): Promise<StepResult> {
    await changePart(this.#deps, ref, (part) =>
      part.unconfirmed && part.batch?.batchId === batchId ? without(part, 'unconfirmed') : undefined,
    );
    return 'fine';
  }

  async #noteProgress(ref: PartRef, observed: ObservedBatch): Promise<StepResult> {
    await changePart(this.#deps, ref, (part) => withProgress(part, observed));
    return 'fine';
  }

  /** Cancels a second batch, if the known batch is still the part's. */
  async #cancelSecond({ ref, known, observed: { batchId } }: Seen): Promise<StepResult> {
    const inHand = await takePart(this.#deps, ref);
    if (inHand?.item.batch?.batchId !== known.batchId) return 'fine';
    await cancelSecondBatch(this.#deps, inHand, batchId);
    return 'fine';
  }

  #noteEnd({ ref, known, observed }: Seen): void {
    if (!hasEnded(observed.status)) return;
    const { model, uploadBytes } = known;
    const used = usedRows(known, observed);
    if (used) this.#used.push(used);
    this.#open.delete(nameOf(ref));
    if (observed.status === 'completed')
      this.#completed.set(nameOf(ref), { model, uploadBytes, batch: observed });
    if (this.#deps.webhooks) recordEnd(this.#deps.metrics, 'poll', observed, this.#deps.clock.now());
    if (!isTokenLimitRejection(observed)) this.#ended.set(model, (this.#ended.get(model) ?? 0) + 1);
  }

  async #noteUnobserved(ref: PartRef, failure: unknown): Promise<StepResult> {
    const inHand = await takePart(this.#deps, ref);
    if (!inHand || (await endIfLost(this.#deps, inHand, failure))) return 'fine';
    return failedStep(this.#deps, inHand, 'observe', failure);
  }

  #isOver(reservedMs: number): boolean {
    const { until, signal } = this.#deadline;
    return this.#deps.clock.now() >= until - reservedMs || signal.aborted;
  }
}
