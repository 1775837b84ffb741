/**
 * Decides which waiting parts may begin; pure. Each model has a queue, oldest job first, or in the order of fair turns
 * (`fair-turns.ts`). No part overtakes another one in its queue, and no queue delays another. A part that the budget does
 * not allow (`budget-gate.ts`) is in no queue.
 *
 *   - at most `maxOpenBatches` batches are open
 *   - what the open batches of a model have enqueued stays within its limits: the configured one, or the learned ones
 *     (`learned-limits.ts`). A part that exceeds a limit by itself begins when no other batch of its model is open. It
 *     sends only as many of its rows as fit; the others follow in later attempts
 *   - a part that waits for the API's own limit begins when a batch of its model has ended, one part per batch. It also
 *     begins when its backoff is over, but only after the API has accepted the previous part's batch. If its refusal
 *     stated the limit, it begins as soon as it fits
 *   - a part that waits for the account or its storage begins if no breaker stops it (`breaker.ts`), or as a probe
 *
 * One exception: a part that was rejected for the token limit while no other batch of its model was open may exceed a
 * limit that is not known. During its backoff, later parts overtake it. After it, they wait behind the part again.
 */

import type { Charge } from '../../shared/domain/money/budget.ts';
import type { Admission } from '../../shared/domain/part.ts';
import { nameOf, type WaitingPart } from '../../shared/domain/waiting/admission-queue.ts';
import type { BatchLimits } from '../../shared/domain/waiting/batch-limits.ts';
import { type Breaker, mayBeginAgain } from '../../shared/domain/waiting/breaker.ts';
import { type KnownLimits, type LearnedLimit, limitsOf } from '../../shared/domain/waiting/learned-limits.ts';
import { bytesWithin, estimatedTokens, type Measured } from '../../shared/domain/waiting/tokens.ts';
import type { BudgetGate } from './budget-gate.ts';
import type { TurnFacts, TurnsTaken } from './fair-turns.ts';

/** A part or batch that takes capacity. */
export interface Taken {
  model: string;
  uploadBytes: number;
  rows?: number;
  /** The API has not accepted or rejected the batch yet. */
  pending: boolean;
}

/** A part that may begin. */
export interface Chosen {
  part: WaitingPart;
  admission: Admission;
  /** What its budget reserves for it. */
  charge?: Charge;
}

/** The known limits. */
export interface KnownCapacity {
  limits: BatchLimits;
  measured: Readonly<Record<string, Measured>>;
  learned?: readonly LearnedLimit[];
  breakers?: readonly Breaker[];
  /** Absent without a budget. */
  gate?: BudgetGate;
}

/** The known facts about the queue. */
export interface QueueFacts {
  /** How many batches of each model have just ended. */
  ended: ReadonlyMap<string, number>;
  /** The names of the parts that are probes. */
  probes?: ReadonlySet<string>;
  now: number;
}

/**
 * The share of a limit that is used. Before any batch of the model was measured, its rows may have twice the estimated
 * tokens.
 */
const SHARE = { measured: 0.9, guessed: 0.5 };

interface Enqueued {
  open: number;
  pending: number;
  tokens: number;
  requests: number;
}

/** Counts the capacity that is taken, including that of the parts it chooses. */
export class Capacity {
  readonly #known: KnownCapacity;
  readonly #models = new Map<string, Enqueued>();
  #open = 0;
  /** Models whose next part cannot begin. */
  readonly #standing = new Set<string>();

  constructor(known: KnownCapacity, taken: Iterable<Taken>) {
    this.#known = known;
    for (const one of taken) this.#take(one);
  }

  /** Returns the parts of the queue that may begin, in the order of the queue. */
  choose(queue: readonly WaitingPart[], { ended, probes = new Set(), now }: QueueFacts): Chosen[] {
    const chosen: Chosen[] = [];
    const unused = new Map(ended);
    for (const part of queue) {
      if (this.#isFull()) break;
      const isProbe = probes.has(nameOf(part));
      if (!isProbe && !this.holdsPlace(part, now)) continue;
      if (this.#standing.has(part.model) && !isProbe) continue;
      const mayBegin = isProbe || (this.#fits(part) && this.#mayTry(part, unused, now));
      if (!mayBegin) {
        if (!this.#letsOthersPass(part, now)) this.#standing.add(part.model);
        continue;
      }
      const one = this.#begin(part, isProbe, now);
      if (one) chosen.push(one);
    }
    return chosen.map((one) =>
      this.#of(one.part.model).open === 1 ? { ...one, admission: { ...one.admission, alone: true } } : one,
    );
  }

  /** Takes what the part needs; undefined when the budget does not allow it. */
  #begin(part: WaitingPart, isProbe: boolean, now: number): Chosen | undefined {
    const { gate } = this.#known;
    const { atMost, ...admission } = this.#admission(part, now);
    const decision = gate?.decide(part, atMost);
    if (decision && decision.may !== 'begin') return undefined;
    const size = smaller(atMost, decision?.atMost);
    this.#take({ ...part, ...size, pending: true });
    const charge = decision && gate?.begin(part, decision, now);
    return {
      part,
      admission: { ...admission, ...(size ? { atMost: size } : {}), ...(isProbe ? { probe: true } : {}) },
      ...(charge ? { charge } : {}),
    };
  }

  /**
   * Returns whether the part has a place in the queue: not while the API refuses everybody what it waits for, or while the
   * budget does not allow it.
   */
  holdsPlace(part: WaitingPart, now: number): boolean {
    const { breakers = [], gate } = this.#known;
    if (isRefusedToAll(part) && !mayBeginAgain(breakers, part, now)) return false;
    return gate === undefined || gate.decide(part).may === 'begin';
  }

  /** Returns what came of the turns of the queue. */
  turnsTaken(
    queue: readonly WaitingPart[],
    chosen: readonly Chosen[],
    { now, sawAll }: { now: number; sawAll: boolean },
  ): TurnsTaken {
    const begin = new Set(chosen.map(({ part }) => part));
    const wait = queue.filter((part) => !begin.has(part) && this.holdsPlace(part, now));
    return {
      admitted: chosen.map(({ part, admission: { atMost } }) => ({
        part,
        tokens: this.tokens(part.model, atMost?.uploadBytes ?? part.uploadBytes),
      })),
      waitForModel: wait,
      waitForBatches: this.#isFull() ? wait.filter(({ model }) => !this.#standing.has(model)) : [],
      sawAll,
    };
  }

  /** Returns what decides about turns: see `FairTurns`. A part that others may pass costs its line nothing meanwhile. */
  turnFacts(queue: readonly WaitingPart[], now: number): TurnFacts {
    const refused = new Set(
      queue.filter(({ waiting }) => waiting.for === 'token_limit').map(({ model }) => model),
    );
    return {
      holdsPlace: (part) => this.holdsPlace(part, now),
      costOf: (part) => (this.#letsOthersPass(part, now) ? 0 : this.tokens(part.model, part.uploadBytes)),
      isLimited: (model) => {
        const { tokens, requests } = this.#limitsOf(model);
        return refused.has(model) || tokens !== undefined || requests !== undefined;
      },
      areBatchesLimited: this.#known.limits.maxOpenBatches !== undefined,
    };
  }

  #isFull(): boolean {
    return this.#open >= (this.#known.limits.maxOpenBatches ?? Infinity);
  }

  /** Returns the estimated amount that is enqueued for the model. */
  enqueued(model: string): { tokens: number; requests: number } {
    const { tokens, requests } = this.#of(model);
    return { tokens, requests };
  }

  /** Returns the estimated tokens of this many bytes for the model. */
  tokens(model: string, bytes: number): number {
    return estimatedTokens(bytes, this.#measuredOf(model));
  }

  #fits({ model, uploadBytes, rows = 0 }: WaitingPart): boolean {
    const limits = this.#limitsOf(model);
    const { open, tokens, requests } = this.#of(model);
    if (open === 0) return true;
    const usable = this.#usable(model, limits);
    const maxTokens = this.#setLimit(model) ?? usable.tokens;
    const maxRequests = usable.requests;
    return (
      tokens + this.tokens(model, uploadBytes) <= (maxTokens ?? Infinity) &&
      requests + rows <= (maxRequests ?? Infinity)
    );
  }

  #mayTry(part: WaitingPart, ended: Map<string, number>, now: number): boolean {
    const { model, waiting } = part;
    if (waiting.for !== 'token_limit') return true;
    const { namedAt } = this.#limitsOf(model);
    const sentAt = waiting.refused?.sentAt;
    const isUnderWay = namedAt !== undefined && sentAt !== undefined && sentAt <= namedAt;
    if (isUnderWay && !this.#filledByOthers(part)) return this.#of(model).pending === 0;
    const freed = ended.get(model) ?? 0;
    if (freed > 0 && !isAloneInBackoff(waiting, now)) {
      ended.set(model, freed - 1);
      return true;
    }
    return this.#of(model).pending === 0 && (waiting.until ?? now) <= now;
  }

  /**
   * Returns whether the part was refused although it fits a stated limit, and nothing else of this Batchdrop was open.
   */
  #filledByOthers({ model, uploadBytes, rows = 0, waiting }: WaitingPart): boolean {
    const { namedAt, tokens, requests } = this.#limitsOf(model);
    if (!waiting.alone || namedAt === undefined) return false;
    return this.tokens(model, uploadBytes) <= (tokens ?? Infinity) && rows <= (requests ?? Infinity);
  }

  /**
   * Returns whether later parts of the model may begin before it. If the part should fit a learned limit, other
   * programs use the account, and all parts wait.
   */
  #letsOthersPass(part: WaitingPart, now: number): boolean {
    return isAloneInBackoff(part.waiting, now) && !this.#filledByOthers(part);
  }

  #admission(part: WaitingPart, now: number): Admission {
    const { model, uploadBytes } = part;
    const limits = this.#limitsOf(model);
    const atMost = this.#atMost(part, limits);
    const tokens = this.tokens(model, atMost?.uploadBytes ?? uploadBytes);
    return {
      at: now,
      ...(limits.tokens === undefined ? {} : { estimate: { tokens, limit: limits.tokens } }),
      ...(atMost === undefined ? {} : { atMost }),
    };
  }

  /** Returns how much of the part may be sent now; undefined if all of it. */
  #atMost(part: WaitingPart, limits: KnownLimits): Admission['atMost'] {
    const { model, uploadBytes, rows = 0, waiting } = part;
    const { tokens, requests } = this.#usable(model, limits);
    const { refused, alone } = waiting;
    if (rows === 1 || (limits.tokens === undefined && limits.requests === undefined)) return undefined;
    const isBelowLimit = alone && (refused?.sentAt ?? 0) > (limits.namedAt ?? 0);
    const bytes = Math.min(
      tokens === undefined ? Infinity : bytesWithin(tokens, this.#measuredOf(model)),
      // Refused although it should fit: the estimate may be wrong, or other programs use the account. One half may fit.
      isBelowLimit && refused ? Math.ceil(refused.uploadBytes / 2) : Infinity,
    );
    const isWithin = uploadBytes <= Math.max(bytes, this.#bytesOfSetLimit(model));
    if (isWithin && !isBelowLimit && rows <= (requests ?? Infinity)) return undefined;
    return {
      uploadBytes: Math.max(1, Math.min(uploadBytes, bytes)),
      ...(requests === undefined ? {} : { rows: Math.max(1, requests) }),
    };
  }

  #limitsOf(model: string): KnownLimits {
    return limitsOf(this.#known.limits, this.#known.learned ?? [], model);
  }

  /** Returns the usable share of the limits. */
  #usable(model: string, { tokens, requests, assumed }: KnownLimits): KnownLimits {
    // An assumed limit comes from the same estimate, so all of it is used.
    const share = assumed ? 1 : this.#measuredOf(model) ? SHARE.measured : SHARE.guessed;
    return {
      ...(tokens === undefined ? {} : { tokens: Math.floor(tokens * share) }),
      ...(requests === undefined ? {} : { requests: Math.floor(requests * SHARE.measured) }),
    };
  }

  /** A configured limit is used completely. */
  #setLimit(model: string): number | undefined {
    const { enqueuedTokens } = this.#known.limits;
    return Object.hasOwn(enqueuedTokens, model) ? enqueuedTokens[model] : undefined;
  }

  #bytesOfSetLimit(model: string): number {
    const set = this.#setLimit(model);
    return set === undefined ? 0 : bytesWithin(set, this.#measuredOf(model));
  }

  #take({ model, uploadBytes, rows = 0, pending }: Taken): void {
    const before = this.#of(model);
    this.#open += 1;
    this.#models.set(model, {
      open: before.open + 1,
      pending: before.pending + (pending ? 1 : 0),
      tokens: before.tokens + this.tokens(model, uploadBytes),
      requests: before.requests + rows,
    });
  }

  #of(model: string): Enqueued {
    return this.#models.get(model) ?? { open: 0, pending: 0, tokens: 0, requests: 0 };
  }

  #measuredOf(model: string): Measured | undefined {
    const { measured } = this.#known;
    return Object.hasOwn(measured, model) ? measured[model] : undefined;
  }
}

/** Returns the smaller size in each respect. */
function smaller(one: Admission['atMost'], other: Admission['atMost']): Admission['atMost'] {
  if (!one || !other) return one ?? other;
  const rows = Math.min(one.rows ?? Infinity, other.rows ?? Infinity);
  return {
    uploadBytes: Math.min(one.uploadBytes, other.uploadBytes),
    ...(Number.isFinite(rows) ? { rows } : {}),
  };
}

function isAloneInBackoff({ alone, until }: WaitingPart['waiting'], now: number): boolean {
  return alone === true && until !== undefined && until > now;
}

/** Returns whether the part waits because the API refuses all calls of the account. */
function isRefusedToAll({ waiting }: WaitingPart): boolean {
  return waiting.for === 'account' || waiting.for === 'storage';
}
