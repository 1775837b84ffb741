/**
 * Decides which of the waiting parts may begin; pure. Each model has a queue, oldest job first. No part overtakes
 * another of its queue, and no queue delays another.
 *
 *   - at most `maxOpenBatches` batches are open
 *   - the estimated tokens of a model's open batches stay within its `enqueuedTokens`. A part with more tokens than
 *     that begins when no other batch of its model is open, since it would otherwise wait for ever
 *   - a part that waits for the API's own limit begins when a batch of its model has ended, one part per batch. When
 *     its backoff is over it begins, too, but only after the API has accepted the batch of the part before
 *
 * One exception: a part that was rejected for the token limit while no other batch of its model was open may always
 * exceed the limit. During its backoff later parts overtake it; afterwards they wait behind it again.
 */

import type { Admission, Waiting } from '../../shared/domain/part.ts';
import type { WaitingPart } from '../../shared/domain/waiting/admission-queue.ts';
import type { BatchLimits } from '../../shared/domain/waiting/batch-limits.ts';
import { estimatedTokens, type Measured } from '../../shared/domain/waiting/tokens.ts';

/** A part or batch that takes capacity. */
export interface Taken {
  model: string;
  uploadBytes: number;
  /** The API has not accepted or rejected the batch yet. */
  pending: boolean;
}

/** A part that may begin. */
export interface Chosen {
  part: WaitingPart;
  admission: Admission;
}

/** Tracks the capacity that is taken, including the parts it chooses. */
export class Capacity {
  readonly #limits: BatchLimits;
  readonly #measured: Readonly<Record<string, Measured>>;
  readonly #models = new Map<string, { open: number; pending: number; tokens: number }>();
  #open = 0;

  constructor(limits: BatchLimits, measured: Readonly<Record<string, Measured>>, taken: Iterable<Taken>) {
    this.#limits = limits;
    this.#measured = measured;
    for (const one of taken) this.#take(one);
  }

  /**
   * Returns the parts of the queue that may begin, in its order. `ended`: how many batches of each model have just
   * ended.
   */
  choose(queue: readonly WaitingPart[], ended: ReadonlyMap<string, number>, now: number): Chosen[] {
    const chosen: Chosen[] = [];
    const standing = new Set<string>(); // models whose next part cannot begin
    const unused = new Map(ended);
    for (const part of queue) {
      if (this.#open >= (this.#limits.maxOpenBatches ?? Number.POSITIVE_INFINITY)) break;
      if (standing.has(part.model)) continue;
      const mayBegin = this.#fits(part) && this.#mayTry(part, unused, now);
      if (mayBegin) {
        chosen.push({ part, admission: this.#admission(part, now) });
        this.#take({ model: part.model, uploadBytes: part.uploadBytes, pending: true });
      } else if (!letsOthersPass(part.waiting, now)) standing.add(part.model);
    }
    return chosen.map(({ part, admission }) =>
      this.#of(part.model).open === 1
        ? { part, admission: { ...admission, alone: true } }
        : { part, admission },
    );
  }

  #fits({ model, uploadBytes }: WaitingPart): boolean {
    const limit = this.#limitOf(model);
    const { open, tokens } = this.#of(model);
    return limit === undefined || open === 0 || tokens + this.#tokens(model, uploadBytes) <= limit;
  }

  #mayTry({ model, waiting }: WaitingPart, ended: Map<string, number>, now: number): boolean {
    if (waiting.for !== 'token_limit') return true;
    const freed = ended.get(model) ?? 0;
    if (freed > 0 && !letsOthersPass(waiting, now)) {
      ended.set(model, freed - 1);
      return true;
    }
    return this.#of(model).pending === 0 && (waiting.until ?? now) <= now;
  }

  #admission({ model, uploadBytes }: WaitingPart, now: number): Admission {
    const limit = this.#limitOf(model);
    return {
      at: now,
      ...(limit === undefined ? {} : { estimate: { tokens: this.#tokens(model, uploadBytes), limit } }),
    };
  }

  #take({ model, uploadBytes, pending }: Taken): void {
    const before = this.#of(model);
    this.#open += 1;
    this.#models.set(model, {
      open: before.open + 1,
      pending: before.pending + (pending ? 1 : 0),
      tokens: before.tokens + this.#tokens(model, uploadBytes),
    });
  }

  #of(model: string): { open: number; pending: number; tokens: number } {
    return this.#models.get(model) ?? { open: 0, pending: 0, tokens: 0 };
  }

  #limitOf(model: string): number | undefined {
    const { enqueuedTokens } = this.#limits;
    return Object.hasOwn(enqueuedTokens, model) ? enqueuedTokens[model] : undefined;
  }

  #tokens(model: string, bytes: number): number {
    return estimatedTokens(bytes, Object.hasOwn(this.#measured, model) ? this.#measured[model] : undefined);
  }
}

function letsOthersPass({ alone, until }: Waiting, now: number): boolean {
  return alone === true && until !== undefined && until > now;
}
