import { setImmediate as macrotask } from 'node:timers/promises';
import { Ambiguous, RetryLater } from '../../functions/shared/core/errors.ts';

/** One invocation of a function: killed by a fault or by its time-out, it never gets another answer. */
export interface Invocation {
  readonly name: string;
  readonly deadline: number;
  dead: boolean;
}

/** How often each fault strikes, per call; 0 to 1. */
export interface FaultRates {
  failBefore: number;
  failAfter: number;
  die: number;
  slow: number;
  backpressure: number;
  lateCreate: number;
}

export const NO_FAULTS: FaultRates = {
  failBefore: 0,
  failAfter: 0,
  die: 0,
  slow: 0,
  backpressure: 0,
  lateCreate: 0,
};

interface Call {
  invocation: Invocation;
  method: string;
  effect: () => Promise<unknown>;
  resolve: (answer: unknown) => void;
  reject: (failure: unknown) => void;
  notBefore: number;
}

const LONGEST_DELAY_MS = 3 * 60_000;
const LATEST_ACCEPTANCE_MS = 5 * 60_000; // with the lag of the list below the settling time

/**
 * Decides every interleaving: each call of a port waits here until it is picked, and one seeded random source decides
 * which goes on, and how.
 */
export class Scheduler {
  readonly #random: () => number;
  readonly #now: () => number;
  #calls: Call[] = [];
  #late: { at: number; effect: () => Promise<unknown> }[] = [];
  rates: FaultRates = NO_FAULTS;
  /** How often each fault struck. */
  readonly fired = new Map<string, number>();
  /** What happened, for a person to read. */
  readonly trace: string[] = [];

  constructor(random: () => number, now: () => number) {
    this.#random = random;
    this.#now = now;
  }

  /** A port of which every call waits its turn. */
  port<P extends object>(name: string, port: P, invocation: Invocation): P {
    return new Proxy(port, {
      get: (target, member) => {
        const method: unknown = Reflect.get(target, member);
        if (typeof method !== 'function' || typeof member !== 'string') return method;
        const label = `${name}.${member}`;
        if (member === 'read' || member === 'readFile') {
          return (...args: unknown[]) =>
            this.#stream(label, invocation, () => Reflect.apply(method, target, args));
        }
        if (member === 'openWriter') return (...args: unknown[]) => Reflect.apply(method, target, args);
        return (...args: unknown[]) =>
          this.#call(label, invocation, () => Reflect.apply(method, target, args));
      },
    });
  }

  /** Lets one waiting call go on; false when none may. */
  async step(): Promise<boolean> {
    await this.#doLate();
    for (const call of this.#calls) if (this.#now() > call.invocation.deadline) call.invocation.dead = true;
    this.#calls = this.#calls.filter(({ invocation }) => !invocation.dead);
    const ready = this.#calls.filter(({ notBefore }) => notBefore <= this.#now());
    const call = ready[Math.floor(this.#random() * ready.length)];
    if (!call) return false;
    this.#goOn(call);
    await macrotask();
    return true;
  }

  /** The next time at which something here could go on. */
  nextTime(): number | undefined {
    const times = [...this.#calls.map(({ notBefore }) => notBefore), ...this.#late.map(({ at }) => at)];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #call(method: string, invocation: Invocation, effect: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#calls.push({ invocation, method, effect, resolve, reject, notBefore: 0 });
    });
  }

  async *#stream(
    method: string,
    invocation: Invocation,
    open: () => AsyncIterable<unknown>,
  ): AsyncGenerator<unknown> {
    const pieces: unknown[] = [];
    await this.#call(method, invocation, async () => {
      for await (const piece of open()) pieces.push(piece);
    });
    yield* pieces;
  }

  #goOn(call: Call): void {
    const fault = this.#faultFor(call.method);
    this.trace.push(`${this.#now()} ${call.invocation.name} ${call.method}${fault ? ` [${fault}]` : ''}`);
    if (fault) this.fired.set(fault, (this.fired.get(fault) ?? 0) + 1);
    if (fault === 'slow') {
      call.notBefore = this.#now() + Math.ceil(this.#random() * LONGEST_DELAY_MS);
      return;
    }
    this.#calls = this.#calls.filter((other) => other !== call);
    const created = call.method === 'api.createBatch';
    switch (fault) {
      case 'die before':
        call.invocation.dead = true;
        return;
      case 'failBefore':
        call.reject(new RetryLater(`${call.method}: failed before its effect`));
        return;
      case 'backpressure':
        call.reject(new RetryLater(`${call.method}: slow down`, { afterSeconds: 30 }));
        return;
      case 'refused entry':
        call.resolve({ refused: ['every entry'] });
        return;
      case 'lateCreate':
        this.#late.push({
          at: this.#now() + Math.ceil(this.#random() * LATEST_ACCEPTANCE_MS),
          effect: call.effect,
        });
        call.reject(new Ambiguous('api.createBatch: no answer came'));
        return;
    }
    // Not awaited: an effect may make calls of its own (an upload reads its body), which wait their turn in here.
    void call.effect().then(
      (answer) => {
        if (fault === 'die after') call.invocation.dead = true;
        else if (fault !== 'failAfter') call.resolve(answer);
        else if (created) call.reject(new Ambiguous('api.createBatch: the answer was lost'));
        else call.reject(new RetryLater(`${call.method}: the answer was lost`));
      },
      (failure: unknown) => call.reject(failure),
    );
  }

  #faultFor(method: string): string | undefined {
    const dice = this.#random();
    const { failBefore, failAfter, die, slow, backpressure, lateCreate } = this.rates;
    let below = failBefore;
    if (dice < below)
      return method === 'bus.publish' && this.#random() < 0.5 ? 'refused entry' : 'failBefore';
    below += failAfter;
    if (dice < below) return 'failAfter';
    below += die;
    if (dice < below) return this.#random() < 0.5 ? 'die before' : 'die after';
    below += slow;
    if (dice < below) return 'slow';
    if (!method.startsWith('api.')) return undefined;
    below += backpressure;
    if (dice < below) return 'backpressure';
    below += lateCreate;
    return dice < below && method === 'api.createBatch' ? 'lateCreate' : undefined;
  }

  async #doLate(): Promise<void> {
    const due = this.#late.filter(({ at }) => at <= this.#now());
    this.#late = this.#late.filter(({ at }) => at > this.#now());
    for (const { effect } of due) await effect().catch(() => undefined); // its file may be gone by now
  }
}
