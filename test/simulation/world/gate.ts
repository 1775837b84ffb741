import { Ambiguous, RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { ObjectWriter } from '../../../functions/shared/ports/ports.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { FaultKind } from '../faults/fault-kinds.ts';
import type { Chance } from './chance.ts';
import { type Invocation, MINUTE } from './invocation.ts';
import type { Timeline } from './timeline.ts';

interface Call {
  invocation: Invocation;
  /** Identifies this call, with the same name in every replay. */
  id: string;
  method: string;
  effect: () => Promise<unknown>;
  resolve: (response: unknown) => void;
  reject: (failure: unknown) => void;
  /** The request has reached the other side. */
  arrived: boolean;
}

const ANYWHERE: FaultKind[] = [
  'fails before its effect',
  'fails after its effect',
  'slow before its effect',
  'slow to answer',
  'frozen before its effect',
  'frozen before its answer',
  'dies before its effect',
  'dies after its effect',
];
const CREATE: FaultKind[] = [
  'create accepted, answer lost',
  'create accepted late',
  'create accepted, answer frozen',
];
const CRAWLING = 'requestFiles.piece';
const CRAWLING_PIECES = 7;
const MAX_CRAWL_MS = 3 * MINUTE; // three of them take longer than the invocation may
const MAX_DELAY_MS = 4 * MINUTE;
const LATEST_ACCEPTANCE_MS = 8 * MINUTE; // with the lag of the list below the settling time
const WAITS_SECONDS = [2, 30, 60, 600, 3600];

/** Every call of a port passes through here. It takes some time, and any fault may occur. */
export class Gate {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #faults: FaultBook;
  /** Creates in flight whose function never gets a response. */
  late = 0;
  onCall: (invocation: Invocation, method: string) => void = () => {};
  /** Called when the response to a create has reached its function. */
  onCreated: (invocation: Invocation, batchId: string) => void = () => {};

  constructor(timeline: Timeline, chance: Chance, faults: FaultBook) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#faults = faults;
  }

  /** Returns the same port, with each call through the gate. */
  port<P extends object>(name: string, port: P, invocation: Invocation): P {
    const through = new Map<string, unknown>();
    return new Proxy(port, {
      get: (target, member) => {
        const method: unknown = Reflect.get(target, member);
        if (typeof method !== 'function' || typeof member !== 'string') return method;
        const known = through.get(member);
        if (known) return known;
        const made = this.#through(`${name}.${member}`, invocation, (args: unknown[]) =>
          Reflect.apply(method, target, args),
        );
        through.set(member, made);
        return made;
      },
    });
  }

  #through(label: string, invocation: Invocation, call: (args: unknown[]) => unknown): unknown {
    if (label.endsWith('.read') || label === 'api.readFile') {
      return (...args: unknown[]) => this.#stream(label, invocation, call(args) as AsyncIterable<unknown>);
    }
    if (label.endsWith('.openWriter')) {
      return (...args: unknown[]) => this.#writer(invocation, call(args) as ObjectWriter);
    }
    return (...args: unknown[]) => this.#call(label, invocation, async () => call(args));
  }

  async *#stream(
    label: string,
    invocation: Invocation,
    source: AsyncIterable<unknown>,
  ): AsyncGenerator<unknown> {
    const pieces: unknown[] = [];
    let failure: { cause: unknown } | undefined;
    await this.#call(label, invocation, async () => {
      try {
        for await (const piece of source) pieces.push(piece);
      } catch (cause) {
        failure = { cause };
      }
    });
    if (label === 'requestFiles.read' && invocation.name === 'intake')
      yield* this.#crawling(pieces, invocation);
    else yield* pieces;
    if (failure) throw failure.cause;
  }

  /**
   * Reads a file that takes longer than an invocation: in late pieces, each of which is a call with possible faults.
   */
  async *#crawling(pieces: unknown[], invocation: Invocation): AsyncGenerator<unknown> {
    if (!this.#faults.occurs('request bucket crawls', `${invocation.id}/${invocation.calls}`))
      return yield* pieces;
    const whole = Buffer.concat(pieces as Uint8Array[]);
    const bytes = Math.ceil(whole.length / CRAWLING_PIECES);
    for (let from = 0; from < whole.length; from += bytes) {
      const piece = Uint8Array.from(whole.subarray(from, from + bytes));
      yield await this.#call(CRAWLING, invocation, async () => piece);
    }
  }

  /** Only `close` has an effect that others see. */
  #writer(invocation: Invocation, writer: ObjectWriter): ObjectWriter {
    return {
      write: (bytes) => writer.write(bytes),
      abort: () => writer.abort(),
      close: () => this.#call('results.close', invocation, () => writer.close()) as Promise<number>,
    };
  }

  #call(method: string, invocation: Invocation, effect: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = `${invocation.id}/${invocation.calls}`;
      invocation.calls += 1;
      this.#begin({ invocation, id, method, effect, resolve, reject, arrived: false });
    });
  }

  #begin(call: Call): void {
    const { id, method, invocation } = call;
    if (method === 'api.createBatch' || method === 'api.uploadFile') this.#endOnAbort(call);
    const latency =
      method === CRAWLING
        ? this.#chance.between(`pace ${id}`, MINUTE, MAX_CRAWL_MS)
        : Math.floor(this.#chance.of(`pace ${id}`) ** 4 * 1500) + 1;
    const kind = this.#faultFor(method, id);
    const slow = this.#chance.between(`slow ${id}`, 5000, MAX_DELAY_MS);
    switch (kind) {
      case 'slow before its effect':
        this.#when(call, slow, () => this.#carryOut(call));
        break;
      case 'slow to answer':
        this.#when(call, latency, () => this.#carryOut(call, slow));
        break;
      case 'frozen before its effect':
        this.#when(call, latency, () => {
          invocation.freeze(this.#chance);
          this.#when(call, 1, () => this.#carryOut(call));
        });
        break;
      case 'frozen before its answer':
      case 'create accepted, answer frozen':
        this.#when(call, latency, () => this.#carryOut(call, 1, true));
        break;
      case 'create accepted late':
        this.#when(call, latency, () => this.#acceptLate(call));
        break;
      case 'dies before its effect':
        this.#when(call, latency, () => invocation.end());
        break;
      default:
        this.#when(call, latency, () => this.#carryOutOrFail(call, kind));
        break;
    }
  }

  #faultFor(method: string, id: string): FaultKind | undefined {
    if (method === 'api.createBatch') {
      const kind = this.#faults.oneOf(CREATE, `create ${id}`);
      if (kind) return kind;
    }
    if (method.startsWith('api.') && this.#faults.occurs('slow down (429)', id)) return 'slow down (429)';
    if (method.startsWith('ledger.') && this.#faults.occurs('ledger throttled', id))
      return 'ledger throttled';
    return this.#faults.oneOf(ANYWHERE, id);
  }

  #carryOutOrFail(call: Call, kind: FaultKind | undefined): void {
    const { method, id } = call;
    switch (kind) {
      case 'fails before its effect':
      case 'ledger throttled':
        call.invocation.hurt = true;
        call.reject(new RetryableError(`${method}: failed before its effect`));
        break;
      case 'slow down (429)': {
        call.invocation.hurt = true;
        const afterSeconds = this.#chance.pick(`wait ${id}`, WAITS_SECONDS) ?? 60;
        call.reject(new RetryableError(`${method}: slow down`, { afterSeconds }));
        break;
      }
      case 'fails after its effect':
      case 'create accepted, answer lost': {
        const lost = `${method}: the response was lost`;
        const failure = method === 'api.createBatch' ? new Ambiguous(lost) : new RetryableError(lost);
        call.invocation.hurt = true;
        this.#effect(call, () => call.reject(failure));
        break;
      }
      case 'dies after its effect':
        this.#effect(call, () => call.invocation.end());
        break;
      default:
        this.#carryOut(call);
        break;
    }
  }

  /** The effect occurs now. The response comes after a while, or once the function is no longer frozen. */
  #carryOut(call: Call, responseAfterMs = 0, freezes = false): void {
    this.#effect(call, (response) => {
      if (freezes) call.invocation.freeze(this.#chance);
      if (responseAfterMs === 0) this.#respond(call, response);
      else this.#when(call, responseAfterMs, () => this.#respond(call, response));
    });
  }

  #respond(call: Call, response: unknown): void {
    const created = call.method === 'api.createBatch' && typeof response === 'object' && response !== null;
    if (created && 'batchId' in response) this.onCreated(call.invocation, String(response.batchId));
    call.resolve(response);
  }

  /** Not awaited, because an effect may make its own calls: an upload reads its body. */
  #effect(call: Call, then: (response: unknown) => void): void {
    call.arrived = true;
    this.onCall(call.invocation, call.method);
    void call.effect().then(then, (failure: unknown) => {
      call.invocation.hurt = true;
      call.reject(failure);
    });
  }

  #acceptLate(call: Call): void {
    const after = this.#chance.between(`late ${call.id}`, 1000, LATEST_ACCEPTANCE_MS);
    this.late += 1;
    this.#timeline.at(this.#timeline.now() + after, () => {
      this.late -= 1;
      void call.effect().catch(() => undefined); // its file may be gone by now
    });
    call.reject(new Ambiguous('api.createBatch: no response came'));
  }

  /** A sent request may still arrive although its function has stopped waiting for it. */
  #endOnAbort(call: Call): void {
    const { signal } = call.invocation.abort;
    const abort = () =>
      call.reject(
        call.method === 'api.createBatch'
          ? new Ambiguous('api.createBatch: aborted')
          : new RetryableError('api.uploadFile: aborted'),
      );
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }

  #when(call: Call, afterMs: number, action: () => void): void {
    const { invocation } = call;
    this.#timeline.at(this.#timeline.now() + afterMs, () => {
      if (invocation.dead) {
        this.#arriveAfterDeath(call);
        return;
      }
      const frozen = invocation.frozenUntil - this.#timeline.now();
      if (frozen > 0) this.#when(call, frozen, action);
      else action();
    });
  }

  /** A request that a function sent before it died may still arrive. */
  #arriveAfterDeath(call: Call): void {
    if (call.arrived || call.method !== 'api.createBatch' || this.#chance.of(`left ${call.id}`) < 0.5) return;
    if (this.#timeline.now() > call.invocation.deadline + LATEST_ACCEPTANCE_MS) return;
    call.arrived = true;
    void call.effect().catch(() => undefined);
  }
}
