import type { WorkMessage } from '../../../functions/shared/ports/ports.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { Chance } from './chance.ts';
import type { Timeline } from './timeline.ts';

export const MINUTE = 60_000;

export type FunctionName = 'intake' | 'submit' | 'poll' | 'deliver' | 'cancel' | 'approve' | 'webhook';

/** How long each function may run: its timeout in lib/. */
const TIMEOUT_MS: Record<FunctionName, number> = {
  intake: 10 * MINUTE,
  submit: 10 * MINUTE,
  deliver: 10 * MINUTE,
  poll: MINUTE,
  cancel: MINUTE,
  approve: MINUTE,
  webhook: MINUTE / 2,
};
const VISIBILITY_PER_TIMEOUT = 6;
const LEFT_TO_NOTE_FAILURES_MS = 10_000; // the same as in functions/shared/adapters/lambda/invocation-deadline.ts
const MAX_SKEW_MS = 5000;
const MAX_FREEZE_MS = 8 * MINUTE; // with the lag of the list below the settling time
const LIFE_AFTER_THAW_MS = MINUTE;
/** How long after its start a tick of POLL that was frozen may still write. */
export const LONGEST_TICK_MS = TIMEOUT_MS.poll + MAX_FREEZE_MS + LIFE_AFTER_THAW_MS;

/** The queues that each function may send to, as in its index.ts. */
export const REACHES: Partial<Record<FunctionName, ReadonlySet<WorkMessage['to']>>> = {
  intake: new Set(['submit']),
  submit: new Set(['deliver']),
  poll: new Set(['intake', 'submit', 'deliver', 'finish']),
  approve: new Set(['submit']),
  webhook: new Set(['deliver']),
};

/** Returns the time after which a message that was not deleted is received again. */
export function visibilityOf(name: FunctionName): number {
  return VISIBILITY_PER_TIMEOUT * TIMEOUT_MS[name];
}

/** One invocation of a function. After a fault or its timeout has killed it, it gets no more responses. */
export class Invocation {
  readonly name: FunctionName;
  readonly id: string;
  /** How far its own clock is ahead of the true time. */
  readonly skewMs: number;
  /** In true time. */
  deadline: number;
  dead = false;
  /** The whole function is frozen until then. */
  frozenUntil = 0;
  calls = 0;
  /** The batch whose id a create returned to it. */
  created: string | undefined;
  /** One of its calls has failed since then. */
  hurt = false;
  readonly abort = new AbortController();
  onDeath: () => void = () => {};
  readonly #timeline: Timeline;

  constructor(name: FunctionName, id: string, timeline: Timeline, chance: Chance, faults: FaultBook) {
    this.name = name;
    this.id = id;
    this.#timeline = timeline;
    this.skewMs = faults.occurs('clock skewed', id)
      ? chance.between(`skew ${id}`, -MAX_SKEW_MS, MAX_SKEW_MS)
      : 0;
    this.deadline = timeline.now() + TIMEOUT_MS[name];
    this.#timeline.at(this.deadline - LEFT_TO_NOTE_FAILURES_MS, () => this.#giveUp());
    this.#timeline.at(this.deadline, () => this.#endAtDeadline());
  }

  now(): number {
    return this.#timeline.now() + this.skewMs;
  }

  /** Returns the deadline by the function's own clock. */
  ownDeadline(): { until: number; signal: AbortSignal } {
    return { until: this.deadline + this.skewMs, signal: this.abort.signal };
  }

  /** Freezes the function until its lease has ended. After that, it continues for a while. */
  freeze(chance: Chance): void {
    this.frozenUntil = this.deadline + chance.between(`thaw ${this.id}`, 1000, MAX_FREEZE_MS);
    this.deadline = this.frozenUntil + LIFE_AFTER_THAW_MS;
    this.#timeline.at(this.deadline, () => this.#endAtDeadline());
  }

  end(): void {
    if (this.dead) return;
    this.dead = true;
    this.onDeath();
  }

  #giveUp(): void {
    if (this.dead || this.frozenUntil > this.#timeline.now()) return;
    this.abort.abort(new Error('out of time'));
  }

  #endAtDeadline(): void {
    if (this.deadline <= this.#timeline.now()) this.end();
  }
}
