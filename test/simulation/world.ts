import { createHandler as cancelHandler } from '../../functions/cancel/handler.ts';
import { createHandler as deliverHandler } from '../../functions/deliver/handler.ts';
import { createHandler as intakeHandler } from '../../functions/intake/handler.ts';
import { createHandler as pollHandler } from '../../functions/poll/handler.ts';
import type { Ports, WorkMessage } from '../../functions/shared/core/ports.ts';
import { createHandler as submitHandler } from '../../functions/submit/handler.ts';
import { createInMemoryBatchApi } from '../fakes/in-memory-batch-api.ts';
import { createInMemoryLedger } from '../fakes/in-memory-ledger.ts';
import { createInMemoryRequestFiles } from '../fakes/in-memory-request-files.ts';
import { createInMemoryResults } from '../fakes/in-memory-results.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { createRecordingBus } from '../fakes/recording-bus.ts';
import { createRecordingLog } from '../fakes/recording-log.ts';
import { createSeededIds } from '../fakes/seeded-ids.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import type { Fate } from '../fakes/simulated-batch.ts';
import { type FaultRates, type Invocation, NO_FAULTS, Scheduler } from './scheduler.ts';

export const REQUESTS = 'requests';
const MINUTE = 60_000;
const FUNCTION_MS = 10 * MINUTE;
const TICK_MS = 55_000;
const MOST_AT_ONCE = 6;

/** Which queues each function may send to, as its index.ts wires it. */
const REACHES: Record<string, ReadonlySet<WorkMessage['to']>> = {
  intake: new Set(['submit']),
  poll: new Set(['intake', 'submit', 'deliver', 'finish']),
};

interface Message {
  to: 'intake' | 'submit' | 'deliver' | 'cancel';
  id: string;
  body: string;
  sentAt: number;
  visibleAt: number;
}

/** The real core and handlers over fakes in memory, one clock that moves when told, one scheduler. */
export class World {
  readonly clock = new ManualClock();
  readonly random: () => number;
  readonly scheduler: Scheduler;
  readonly ledger;
  readonly requestFiles;
  readonly results;
  readonly api;
  readonly bus = createRecordingBus();
  readonly log = createRecordingLog();
  readonly #ids;
  #messages: Message[] = [];
  #nextMessage = 1;
  #running = new Set<Invocation>();
  #lastTick = 0;
  /** Messages lost and repeated. */
  unreliableQueues = false;

  constructor(
    seed: number,
    options: { listLagMs: number; fate: (nth: number, random: () => number) => Fate },
  ) {
    this.random = seededRandom(seed);
    this.scheduler = new Scheduler(this.random, () => this.clock.now());
    this.ledger = createInMemoryLedger({ clock: this.clock, dueLagMs: Math.floor(this.random() * 5000) });
    this.requestFiles = createInMemoryRequestFiles({ clock: this.clock });
    this.results = createInMemoryResults();
    this.#ids = createSeededIds(seed);
    const fateRandom = seededRandom(seed + 1);
    this.api = createInMemoryBatchApi({
      clock: this.clock,
      seed,
      listLagMs: options.listLagMs,
      fate: ({ nth }) => options.fate(nth, fateRandom),
    });
  }

  /** A user puts a file; S3 says so at least once. */
  drop(key: string, body: string, metadata: Record<string, string> = {}): void {
    const facts = this.requestFiles.put(REQUESTS, key, body, metadata);
    const object = {
      key,
      size: facts.size,
      etag: facts.etag,
      'version-id': facts.versionId,
      sequencer: facts.versionId,
    };
    const event = JSON.stringify({ detail: { bucket: { name: REQUESTS }, object } });
    const times = this.random() < 0.3 ? 2 : 1;
    for (let time = 0; time < times; time += 1) this.#enqueue('intake', event);
  }

  /** A user sends a cancel message. */
  cancel(request: object): void {
    this.#enqueue('cancel', JSON.stringify(request));
  }

  /** Lets faults strike, or no longer. */
  faults(rates: FaultRates): void {
    this.scheduler.rates = rates;
    this.unreliableQueues = rates !== NO_FAULTS;
  }

  /** One thing happens: a call goes on, a message is delivered, a tick begins, or time passes. */
  async step(): Promise<void> {
    const dice = this.random();
    if (dice < 0.15 && this.#deliverOne()) return;
    if (dice < 0.17) this.clock.advance(Math.ceil(this.random() * 20_000));
    this.#tickIfDue();
    if (await this.scheduler.step()) return;
    if (this.#deliverOne()) return;
    this.#passTime();
  }

  /** Nothing under way, nothing waiting, nothing due. */
  isQuiet(): boolean {
    const due = [...this.ledger.jobs(), ...this.ledger.parts()].some(({ dueAt }) => dueAt !== undefined);
    return !due && this.#messages.length === 0 && this.#living().length === 0;
  }

  #living(): Invocation[] {
    for (const invocation of this.#running) {
      if (invocation.dead || this.clock.now() > invocation.deadline) this.#running.delete(invocation);
    }
    return [...this.#running];
  }

  #passTime(): void {
    const now = this.clock.now();
    const times = [
      this.#lastTick + MINUTE,
      ...this.#messages.map(({ visibleAt }) => visibleAt),
      ...this.#living().map(({ deadline }) => deadline + 1),
      this.scheduler.nextTime() ?? Number.POSITIVE_INFINITY,
    ];
    this.clock.advance(Math.max(1, Math.min(...times) - now));
  }

  #tickIfDue(): void {
    if (this.clock.now() < this.#lastTick + MINUTE) return;
    this.#lastTick = this.clock.now();
    this.#invoke('poll', TICK_MS, (ports, turn) => pollHandler(ports)(turn));
  }

  #deliverOne(): boolean {
    const visible = this.#messages.filter(({ visibleAt }) => visibleAt <= this.clock.now());
    const message = visible[Math.floor(this.random() * visible.length)];
    if (!message || this.#living().length >= MOST_AT_ONCE) return false;
    message.visibleAt = this.clock.now() + FUNCTION_MS + MINUTE;
    const done = () => {
      this.#messages = this.#messages.filter((other) => other !== message);
    };
    this.#invoke(message.to, FUNCTION_MS, async (ports, turn) => {
      await this.#handle(message, ports, turn);
      done();
    });
    return true;
  }

  #handle(
    message: Message,
    ports: Ports & { resultsBucket: string },
    turn: { until: number; signal: AbortSignal },
  ): Promise<void> {
    switch (message.to) {
      case 'intake':
        return intakeHandler({ ...ports, requestBucket: REQUESTS })(message.body, turn);
      case 'submit':
        return submitHandler({ ...ports, completionWindow: '24h' })(message.body, turn);
      case 'deliver':
        return deliverHandler({ ...ports, keepFiles: false })(message.body, turn);
      case 'cancel':
        return cancelHandler(ports)({ id: message.id, body: message.body, sentAt: message.sentAt });
    }
  }

  #invoke(
    name: string,
    milliseconds: number,
    work: (
      ports: Ports & { resultsBucket: string },
      turn: { until: number; signal: AbortSignal },
    ) => Promise<void>,
  ): void {
    const until = this.clock.now() + milliseconds;
    const invocation: Invocation = { name, deadline: until, dead: false };
    this.#running.add(invocation);
    const ports = this.#portsFor(invocation);
    work(ports, { until, signal: new AbortController().signal }).then(
      () => this.#running.delete(invocation),
      (failure: unknown) => {
        this.#running.delete(invocation);
        this.scheduler.trace.push(`${this.clock.now()} ${name} failed: ${String(failure)}`);
      },
    );
  }

  #portsFor(invocation: Invocation): Ports & { resultsBucket: string } {
    const gate = <P extends object>(name: string, port: P): P => this.scheduler.port(name, port, invocation);
    const queues = {
      reaches: REACHES[invocation.name] ?? new Set<WorkMessage['to']>(),
      send: async (messages: WorkMessage[]) => {
        for (const message of messages) this.#sendWork(message);
      },
    };
    return {
      ledger: gate('ledger', this.ledger),
      requestFiles: gate('requestFiles', this.requestFiles),
      results: gate('results', this.results),
      api: gate('api', this.api),
      bus: gate('bus', this.bus),
      queues: gate('queues', queues),
      clock: this.clock,
      ids: this.#ids,
      log: this.log,
      resultsBucket: 'results',
    };
  }

  #sendWork(message: WorkMessage): void {
    const copies = this.unreliableQueues
      ? ([0, 1, 1, 1, 1, 1, 1, 1, 2, 2][Math.floor(this.random() * 10)] ?? 1)
      : 1;
    const to = message.to === 'finish' ? 'deliver' : message.to;
    const body = JSON.stringify('ref' in message ? { ref: message.ref } : { jobId: message.jobId });
    for (let copy = 0; copy < copies; copy += 1) this.#enqueue(to, body);
  }

  #enqueue(to: Message['to'], body: string): void {
    const sentAt = this.clock.now();
    const late =
      this.unreliableQueues && this.random() < 0.1 ? this.random() * 20 * MINUTE : this.random() * 2000;
    const id = `message-${this.#nextMessage}`;
    this.#nextMessage += 1;
    this.#messages.push({ to, id, body, sentAt, visibleAt: sentAt + Math.floor(late) });
  }
}
