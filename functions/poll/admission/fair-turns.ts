/**
 * Decides whose turn it is among the parts that wait, in proportion to the weights of their lines (`shares.ts`): start-time
 * fair queueing. What is admitted counts as its estimated tokens, divided by the weight of its line.
 *
 *   - each model with a limit has an order of its own: among the oldest parts of the lines, the one of the line that is
 *     furthest behind its fair share (`Leads`). No part overtakes another in this order, so that the capacity that
 *     batches free is kept for the part whose turn it is, however large
 *   - if the number of open batches is limited, the models take turns: the line that is furthest behind its fair share of all
 *     batches has its turn, and the parts before its oldest one in the order of that model are admitted first
 *   - within a line the oldest job is first
 *   - a part that cannot begin whatever capacity there is, such as one that waits for the account, holds no place
 *
 * No line starves. From one admission of a line until its next one, the others get at most W/w × c + n × C tokens of the
 * model: `w` is the weight of the line and `W` the sum of the weights that wait, `c` what was admitted of the line, `n` the
 * number of lines and `C` the largest part. The leads are kept relative to the average, so a new line begins at 0: however
 * many come, they pass the others only for a while.
 *
 * Known gaps: a batch that the API rejects for its token limit has used the turn of its line. Beyond `MAX_LINES` lines, new
 * ones share one line.
 */
import type { WaitingPart } from '../../shared/domain/waiting/admission-queue.ts';
import {
  type Leads,
  lineOf,
  type ShareLeads,
  type ShareOfPart,
  type Shares,
  weightOf,
  weightOfOthers,
} from '../../shared/domain/waiting/shares.ts';

/** What decides about the parts that wait, besides their shares. */
export interface TurnFacts {
  /** Whether the part waits for capacity only. */
  holdsPlace(part: WaitingPart): boolean;
  /** Estimated tokens. */
  costOf(part: WaitingPart): number;
  /** Whether the model has a limit of its own. */
  isLimited(model: string): boolean;
  /** Whether the number of open batches is limited. */
  areBatchesLimited: boolean;
}

/** What came of the turns. */
export interface TurnsTaken {
  /** The admitted parts, and their estimated tokens. */
  admitted: readonly { part: WaitingPart; tokens: number }[];
  /** Parts that wait for the limit of their model, or would. */
  waitForModel: readonly WaitingPart[];
  /** Parts that wait until a batch of any model has ended. */
  waitForBatches: readonly WaitingPart[];
  /** Every part that waits was read. */
  sawAll: boolean;
}

const MAX_LINES = 200; // an entry takes 60 to 170 bytes of the admissions, of which open batches may take 300 KB
const DECIMALS = 1e6; // so that sums of fractions leave nothing behind
const NO_SHARE: ShareOfPart = { name: '', priority: 'normal' };
const LATE_LINE = ''; // of those for which there is no line left

/** The turns of one tick. */
export class FairTurns {
  readonly #models = new Map<string, Turns>();
  readonly #batches: Turns;
  readonly #lines: Lines;

  constructor(shares: Shares, before: ShareLeads = { models: {}, batches: {} }) {
    const known = [before.batches, ...Object.values(before.models)];
    const lines = known.reduce((sum, leads) => sum + Object.keys(leads).length, 0);
    this.#lines = new Lines(shares, MAX_LINES - lines);
    this.#batches = new Turns(this.#lines, before.batches);
    for (const [model, leads] of Object.entries(before.models))
      this.#models.set(model, new Turns(this.#lines, leads));
  }

  /** Returns the parts in the order of their turns; `queue` has the oldest first. Those that hold no place come first. */
  inOrder(queue: readonly WaitingPart[], facts: TurnFacts): WaitingPart[] {
    const { true: placed = [], false: order = [] } = Object.groupBy(
      queue,
      (part) => `${facts.holdsPlace(part)}`,
    );
    const ofModels = new Map<string, WaitingPart[]>();
    for (const [model, parts] of Map.groupBy(placed, (part) => part.model))
      if (facts.isLimited(model)) ofModels.set(model, this.#of(model).inOrder(parts, facts));
    const turns = facts.areBatchesLimited ? this.#batches.inOrder(placed, facts) : placed;
    const taken = new Set<WaitingPart>();
    for (const part of turns)
      while (!taken.has(part)) {
        const next = ofModels.get(part.model)?.shift() ?? part;
        order.push(next);
        taken.add(next);
      }
    return order;
  }

  /** Returns the leads after the turns. */
  after({ admitted, waitForModel, waitForBatches, sawAll }: TurnsTaken): ShareLeads {
    const models = [...this.#models].flatMap(([model, turns]) => {
      const isOf = (part: WaitingPart) => part.model === model;
      const ofModel = admitted.filter(({ part }) => isOf(part));
      const leads = turns.after(ofModel, waitForModel.filter(isOf), sawAll);
      return Object.keys(leads).length === 0 ? [] : [[model, leads] as const];
    });
    const batches = this.#batches.after(admitted, waitForBatches, sawAll);
    return { models: Object.fromEntries(models), batches };
  }

  #of(model: string): Turns {
    const known = this.#models.get(model);
    if (known) return known;
    const turns = new Turns(this.#lines, {});
    this.#models.set(model, turns);
    return turns;
  }
}

interface Line {
  name: string;
  weight: number;
}

/** The lines that there may be, with their weights. */
class Lines {
  readonly #shares: Shares;
  #left: number;

  constructor(shares: Shares, left: number) {
    this.#shares = shares;
    this.#left = left;
  }

  /** Returns the part's line. If it is not `known`, it is a new one, as long as there may be more. */
  of({ share = NO_SHARE }: WaitingPart, known: ReadonlySet<string>): Line {
    const name = lineOf(share);
    if (!known.has(name)) {
      if (this.#left <= 0) return { name: LATE_LINE, weight: weightOfOthers(this.#shares) };
      this.#left -= 1;
    }
    return { name, weight: weightOf(this.#shares, share) };
  }
}

/** The turns of the lines that wait for the same capacity. */
class Turns {
  readonly #lines: Lines;
  readonly #leads: Leads;
  /** The names of the lines. */
  readonly #known: Set<string>;

  constructor(lines: Lines, leads: Leads) {
    this.#lines = lines;
    this.#leads = leads;
    this.#known = new Set(Object.keys(leads));
  }

  /** Sorts parts, of which the oldest is first, by how far ahead their lines will be by then. */
  inOrder(parts: readonly WaitingPart[], { costOf }: TurnFacts): WaitingPart[] {
    const ahead = new Map<string, number>();
    const turns = parts.map((part, age) => {
      const { name, weight } = this.#lineOf(part);
      const at = ahead.get(name) ?? this.#leads[name] ?? 0;
      ahead.set(name, at + costOf(part) / weight);
      return { part, at, age };
    });
    return turns.sort((a, b) => a.at - b.at || a.age - b.age).map(({ part }) => part);
  }

  /** Returns the leads after parts were admitted while others waited. */
  after(admitted: TurnsTaken['admitted'], waiting: readonly WaitingPart[], sawAll: boolean): Leads {
    const weights = new Map<string, number>();
    const gained = new Map<string, number>();
    for (const { part, tokens } of admitted) {
      const { name, weight } = this.#lineOf(part);
      weights.set(name, weight);
      gained.set(name, (gained.get(name) ?? 0) + tokens / weight);
    }
    const stillWait = new Set(
      waiting.map((part) => {
        const { name, weight } = this.#lineOf(part);
        weights.set(name, weight);
        return name;
      }),
    );
    if (stillWait.size === 0 && sawAll) return {};
    const all = admitted.reduce((sum, { tokens }) => sum + tokens, 0);
    const average = all / ([...weights.values()].reduce((sum, weight) => sum + weight, 0) || 1);
    const names = [...new Set([...Object.keys(this.#leads), ...weights.keys()])];
    const leadOf = (name: string) => (this.#leads[name] ?? 0) + (gained.get(name) ?? 0) - average;
    const mayWait = (name: string) => stillWait.has(name) || (!sawAll && !weights.has(name));
    const least = Math.min(...names.filter(mayWait).map(leadOf));
    const tooMuch = stillWait.size > 0 ? Math.max(0, least) : 0; // one of those that may wait is not ahead
    const leads = names
      .map((name) => [name, rounded(leadOf(name) - tooMuch)] as const)
      .filter(([, lead]) => lead !== 0)
      .filter(([name, lead]) => lead > 0 || mayWait(name));
    return Object.fromEntries(leads);
  }

  #lineOf(part: WaitingPart): Line {
    const line = this.#lines.of(part, this.#known);
    this.#known.add(line.name);
    return line;
  }
}

function rounded(lead: number): number {
  return Math.round(lead * DECIMALS) / DECIMALS;
}
