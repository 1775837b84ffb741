import { createHandler as approveHandler } from '../../../functions/approve/handler.ts';
import { createHandler as cancelHandler } from '../../../functions/cancel/handler.ts';
import { createHandler as deliverHandler } from '../../../functions/deliver/handler.ts';
import { RecentPages } from '../../../functions/deliver/recent-pages.ts';
import { createHandler as intakeHandler } from '../../../functions/intake/handler.ts';
import { createHandler as pollHandler } from '../../../functions/poll/handler.ts';
import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import type { CancelRequest } from '../../../functions/shared/contract/messages/cancel-request.ts';
import { resultLinesKeys } from '../../../functions/shared/contract/result-keys.ts';
import { pieceKeys } from '../../../functions/shared/domain/internal-keys.ts';
import { isOver } from '../../../functions/shared/domain/job.ts';
import type { Amount } from '../../../functions/shared/domain/money/amount.ts';
import { PriceList } from '../../../functions/shared/domain/money/price-list.ts';
import type { HoldPolicy } from '../../../functions/shared/domain/money/reason-to-hold.ts';
import { NO_TOKENS } from '../../../functions/shared/domain/money/token-counts.ts';
import type { ObservedBatch, Part } from '../../../functions/shared/domain/part.ts';
import type { Delivered } from '../../../functions/shared/domain/part-results.ts';
import type { BatchLimits } from '../../../functions/shared/domain/waiting/batch-limits.ts';
import type { Deadline, Ports, WorkMessage } from '../../../functions/shared/ports/ports.ts';
import { createHandler as submitHandler } from '../../../functions/submit/handler.ts';
import { createHandler as webhookHandler } from '../../../functions/webhook/handler.ts';
import type { WebhookAnswer, WebhookRequest } from '../../../functions/webhook/read-request.ts';
import { createInMemoryBatchApi } from '../../fakes/in-memory-batch-api.ts';
import { createInMemoryLedger } from '../../fakes/in-memory-ledger.ts';
import { createInMemoryRequestFiles } from '../../fakes/in-memory-request-files.ts';
import { createInMemoryResults } from '../../fakes/in-memory-results.ts';
import { createInMemoryScratch } from '../../fakes/in-memory-scratch.ts';
import { createRecordingBus } from '../../fakes/recording-bus.ts';
import { createRecordingLog } from '../../fakes/recording-log.ts';
import { createRecordingMetrics } from '../../fakes/recording-metrics.ts';
import { createSeededIds } from '../../fakes/seeded-ids.ts';
import { behaviorOf } from '../faults/batch-behaviors.ts';
import { FaultBook, type LeftOut } from '../faults/fault-book.ts';
import { FAULT_THEMES, type FaultTheme } from '../faults/fault-themes.ts';
import { FaultyApi } from '../faults/faulty-api.ts';
import { Approver } from './approver.ts';
import { Chance } from './chance.ts';
import { Gate } from './gate.ts';
import { HangWatch } from './hang-watch.ts';
import { type FunctionName, Invocation, MINUTE, REACHES } from './invocation.ts';
import { watchedLedger } from './ledger-watch.ts';
import type { Tightness } from './limits.ts';
import { Mailbox, type Message } from './mailbox.ts';
import { Operator, releaseStalled } from './operator.ts';
import { SpendingWatch } from './spending-watch.ts';
import { TagWatch } from './tag-watch.ts';
import { Timeline } from './timeline.ts';
import { Troubles } from './troubles.ts';
import { isGenuineHere, SECRETS_HERE, type Surroundings, Webhooks } from './webhooks.ts';

export const RERUN = { maxAttempts: 3, rerunMissing: false };
/** As much as a cent for ten tokens, so that each counts. */
export const PRICES = new PriceList({
  models: {
    m: { input: 1000, output: 2000 },
    n: { input: 500, output: 500 },
    o: { input: 100, output: 20_000 }, // a limit of output that is too low makes its estimates too low
  },
  batchDiscount: 0.5,
});
export const REQUESTS = 'requests';
const MAX_AT_ONCE = 8;
const TABLES_SHARE = 0.1;
const MAX_GAP_MS = 30 * MINUTE;

/** How a scenario differs from the usual histories. */
export interface Scenario {
  /** How long every new batch is missing from the list. */
  listLagMs?: number;
  /** The shortest time that a batch runs. */
  runningMs?: number;
  tightness?: Tightness | undefined;
  /** Which jobs are held. */
  holds?: HoldPolicy | undefined;
  /** Default: all kinds of fault, at their usual rates. */
  theme?: FaultTheme | undefined;
}

type OurPorts = Ports & { instance: string; resultsBucket: string; limits: BatchLimits; prices: PriceList };

type Work = (ports: OurPorts, deadline: Deadline) => Promise<void>;

/** The real core and handlers with in-memory fakes, on one timeline. The seed decides every interleaving. */
export class World {
  readonly timeline = new Timeline();
  readonly chance: Chance;
  readonly limits: BatchLimits;
  readonly faults: FaultBook;
  readonly operator: Operator;
  readonly troubles: Troubles;
  readonly gate: Gate;
  readonly mailbox: Mailbox;
  readonly webhooks: Webhooks;
  readonly approver: Approver;
  readonly ledger;
  readonly written;
  readonly hangs = new HangWatch(() => this.timeline.now());
  readonly tags;
  readonly spending: SpendingWatch;
  readonly requestFiles;
  readonly results = createInMemoryResults();
  readonly api;
  readonly faultyApi: FaultyApi;
  readonly bus = createRecordingBus();
  readonly log = createRecordingLog();
  readonly metrics = createRecordingMetrics();
  /** The steps of the history, for a person to read. */
  readonly trace: string[] = [];
  /** Batches whose id was returned to a function that succeeded without saving it. */
  readonly unsavedIds: string[] = [];
  savedIds = 0;
  /** Every cancel that was sent. */
  readonly cancels: { request: CancelRequest; sentAt: number }[] = [];
  /** Parts that had no cancel request when the cancel of their job was acknowledged. */
  readonly unaware: string[] = [];
  cancelsChecked = 0;
  /** Pieces that could not be read when they began to count. */
  readonly unwritten: string[] = [];
  piecesChecked = 0;
  /** Ends that were published but not true. */
  readonly untrueEnds: string[] = [];
  endsChecked = 0;
  invocations = 0;
  /** In some histories every job gets a table, each of whose rows is a piece. */
  readonly tables;
  /** When the faults ended. */
  repairedAt = 0;
  readonly #watched;
  readonly #ids;
  readonly #running = new Set<Invocation>();
  /** DELIVER's warm processes. */
  readonly #processes = [1, 2].map(() => new RecentPages({ now: () => this.timeline.now() }));
  #ticks = 0;
  #gapMs = MINUTE;
  #writes = 0;
  #started: number;

  constructor(seed: number, leftOut: LeftOut = {}, scenario: Scenario = {}) {
    const now = () => this.timeline.now();
    this.#started = now();
    this.chance = new Chance(seed);
    this.tables = { always: this.chance.of('tables') < TABLES_SHARE, pieceBytes: 1 };
    this.limits = scenario.tightness?.limits ?? { enqueuedTokens: {} };
    this.faults = new FaultBook(this.chance, leftOut, scenario.theme && FAULT_THEMES[scenario.theme]);
    this.faults.onFault = (kind, where) => this.note(`   fault: ${kind} @ ${where}`);
    this.ledger = createInMemoryLedger({
      clock: { now },
      dueLagMs: this.chance.between('lag of the due index', 0, 5000),
    });
    this.operator = new Operator(this.timeline, this.chance, this.faults, this.ledger);
    this.troubles = new Troubles(this.timeline, this.chance, this.faults);
    this.gate = new Gate(this.timeline, this.chance, this.faults);
    this.gate.onCreated = (invocation, batchId) => {
      invocation.created = batchId;
      invocation.hurt = false;
    };
    this.gate.onCall = (invocation, method) => {
      if (method.includes('replace')) this.#writes += 1;
      if (method.startsWith('api.')) this.note(`${invocation.id}: ${method}`);
    };
    this.requestFiles = createInMemoryRequestFiles({ clock: { now } });
    this.tags = new TagWatch(this.ledger);
    this.spending = new SpendingWatch(this.limits.budget, this.ledger, (batchId, model) =>
      this.#billed(batchId, model),
    );
    this.#ids = createSeededIds(seed);
    this.api = createInMemoryBatchApi({
      clock: { now },
      seed,
      fate: ({ nth }) => behaviorOf(nth, this.chance, this.faults, scenario.runningMs),
      account: () => this.operator.account(),
      ...(scenario.tightness ? { enqueuedTokens: scenario.tightness.enqueuedTokens } : {}),
    });
    const state = {
      now,
      keyRefused: () => this.operator.keyRefused(),
      checkTroubles: (operation: string) => this.troubles.check(operation),
      wait: (ms: number) => new Promise<void>((resolve) => this.timeline.at(now() + ms, resolve)),
      createsVanish: () => this.operator.createsVanish(),
      listLagMs: scenario.listLagMs ?? this.chance.between('lag of the list', 5000, 90_000),
      lagAlways: scenario.listLagMs !== undefined,
      pageCap: this.chance.between('largest page', 1, 2),
      created: ({ batchId, metadata }: ObservedBatch) => {
        this.webhooks.watch(batchId);
        this.#cancelBetween(metadata);
      },
    };
    const { timeline, api } = this;
    const send: Surroundings['send'] = (id, request, answered) => this.#invokeWebhook(id, request, answered);
    this.webhooks = new Webhooks({
      timeline,
      chance: this.chance,
      faults: this.faults,
      api,
      ledger: this.ledger,
      send,
    });
    this.faultyApi = new FaultyApi(this.api, state, this.chance, this.faults);
    const { ledger, chance, faults } = this;
    this.approver = new Approver(scenario.holds, {
      timeline,
      chance,
      ledger,
      note: (what) => this.note(what),
      approve: (jobId, from) => this.mailbox.send('approve', JSON.stringify({ jobId }), from),
      cancel: (jobId, from) => this.sendCancel({ jobId }, from),
    });
    const { ledger: watched, history } = watchedLedger(ledger, {
      now,
      chance,
      faults,
      onPlanning: (jobId, planId) => this.#cancelDuring(jobId, planId),
      onDelivered: (part, delivered) => this.#checkPieces(part, delivered),
      onAdmissions: (admissions) => this.spending.note(admissions),
    });
    this.#watched = watched;
    this.written = history;
    this.mailbox = new Mailbox(this.timeline, chance, faults, (message, done) =>
      this.#receive(message, done),
    );
    this.timeline.at(now() + MINUTE, () => this.#tick());
  }

  /** Adds a step to the trace. */
  note(what: string): void {
    const seconds = ((this.timeline.now() - this.#started) / 1000).toFixed(1);
    this.trace.push(`${seconds.padStart(9)} s  ${what}`);
  }

  sendCancel(request: CancelRequest, from: string): void {
    this.cancels.push({ request, sentAt: this.timeline.now() });
    this.mailbox.send('cancel', JSON.stringify(request), from);
  }

  /** Returns whether nothing runs, no message waits, and nothing is due. */
  isQuiet(): boolean {
    if (this.#running.size > 0 || this.gate.late > 0 || !this.mailbox.isEmpty()) return false;
    return this.faults.over && !this.ledger.hasDue(Number.POSITIVE_INFINITY) && !this.spending.isOpen;
  }

  #billed(batchId: string, model: string): Amount {
    const rows = this.api.audit().billed.filter((row) => row.batchId === batchId).length;
    const tokens = { ...NO_TOKENS, input: 10 * rows, output: 5 * rows };
    return PRICES.at(this.timeline.now()).costOf({ model, rows, ...tokens })?.paid ?? 0n;
  }

  /** Runs POLL whenever anything is due: about once a minute, and less and less often while it changes nothing. */
  #tick(): void {
    if (this.isQuiet()) return;
    this.#ticks += 1;
    if (this.faults.over) void releaseStalled(this.ledger, this.timeline.now());
    const name = `tick ${this.#ticks}`;
    const due = this.ledger.hasDue(this.timeline.now()) || this.spending.isOpen;
    if (due && !this.faults.occurs('tick skipped', name)) {
      const writes = this.#writes;
      this.#invoke(
        'poll',
        `poll#${this.#ticks}`,
        (ports, deadline) => pollHandler(ports)(deadline),
        () => {
          const idle = this.#writes - writes <= 2; // POLL's own lease
          this.#gapMs = idle ? Math.min(2 * this.#gapMs, MAX_GAP_MS) : MINUTE;
        },
      );
      if (this.faults.occurs('tick doubled', name)) {
        const cause = this.chance.between(`${name}: cause`, 0, 1) === 0 ? 'schedule' : 'end';
        const twin = () =>
          this.#invoke('poll', `poll#${this.#ticks}b`, (ports, deadline) =>
            pollHandler(ports)(deadline, cause),
          );
        this.timeline.at(this.timeline.now() + this.chance.between(name, 0, 70_000), twin);
      }
    }
    this.timeline.at(this.timeline.now() + this.#gapMs, () => this.#tick());
  }

  #receive(message: Message, done: () => void): boolean {
    if (this.#running.size >= MAX_AT_ONCE) return false;
    const id = `${message.to}(${message.id}#${message.receives})`;
    this.#invoke(
      message.to,
      id,
      (ports, deadline) => this.#handle(message, ports, deadline),
      () => {
        done();
        if (message.to === 'cancel') this.#checkCancel(message);
        if (message.to === 'approve' && this.#foundItsJob(`approval:${message.id}`))
          this.approver.acknowledged(JSON.parse(message.body).jobId);
      },
    );
    return true;
  }

  #handle(message: Message, ports: OurPorts, deadline: Deadline): Promise<void> {
    switch (message.to) {
      case 'intake':
        return intakeHandler({ ...ports, requestBucket: REQUESTS, holds: this.approver.policy })(
          message.body,
          deadline,
        );
      case 'submit':
        return submitHandler({ ...ports, completionWindow: '24h' })(message.body, deadline);
      case 'deliver':
        return deliverHandler({
          ...ports,
          keepFiles: false,
          tables: this.tables,
          rerun: RERUN,
          pages: this.#pagesOf(message),
        })(message.body, deadline);
      case 'cancel':
        return cancelHandler(ports)({ id: message.id, body: message.body, sentAt: message.sentAt }, deadline);
      case 'approve':
        return approveHandler(ports)(message);
      case 'poll':
      case 'webhook':
        throw new Error(`${message.to} gets no messages`);
    }
  }

  /** Returns what the process that gets the message remembers of the list: that of one of two, or nothing in a new one. */
  #pagesOf({ id, receives }: Message): RecentPages {
    const process = this.chance.between(`process of ${id}#${receives}`, 0, 2);
    return this.#processes[process] ?? new RecentPages({ now: () => this.timeline.now() });
  }

  #invokeWebhook(id: string, request: WebhookRequest, answered: (answer: WebhookAnswer) => void): void {
    let answer: WebhookAnswer | undefined;
    const answering: Work = async (ports, deadline) => {
      const handle = webhookHandler({ ...ports, secrets: SECRETS_HERE, isGenuine: isGenuineHere });
      answer = await handle(request, deadline);
    };
    this.#invoke('webhook', id, answering, () => {
      if (answer) answered(answer);
    });
  }

  #invoke(name: FunctionName, id: string, work: Work, done: () => void = () => {}): void {
    const invocation = new Invocation(name, id, this.timeline, this.chance, this.faults);
    invocation.onDeath = () => this.#running.delete(invocation);
    this.invocations += 1;
    this.#running.add(invocation);
    work(this.#portsFor(invocation), invocation.ownDeadline()).then(
      () => {
        if (invocation.dead) return;
        this.#checkSaved(invocation);
        done();
        invocation.end(); // calls that it did not wait for get no response
      },
      (failure: unknown) => {
        if (invocation.dead) return;
        invocation.end();
        this.note(`${id} failed: ${String(failure)}`);
      },
    );
  }

  /** Checks that a batch id that was returned to a function is saved when the function ends. */
  #checkSaved({ id, created, hurt }: Invocation): void {
    if (created === undefined || hurt) return;
    const isSecond = this.ledger.parts().some(({ secondBatchIds }) => secondBatchIds.includes(created));
    // After it was saved, an API that forgets the batch may return the part to its search.
    if (isSecond || this.written.savedAt.has(created)) this.savedIds += 1;
    else this.unsavedIds.push(`${created}, returned to ${id}`);
  }

  /** Checks that after an acknowledged cancel every open part that it names has the cancel request. */
  #checkCancel({ id, body }: Message): void {
    for (const part of this.#partsNamed(JSON.parse(body), id)) {
      if (part.delivered || part.ended) continue;
      this.cancelsChecked += 1;
      if (part.cancelRequestedAt === undefined)
        this.unaware.push(`part ${part.number} of job ${part.jobId}, cancelled by ${id}`);
    }
  }

  /**
   * Returns the parts that the request names by their job or current batch. A job or batch that was unknown when the
   * message was read names none: another invocation may find it meanwhile.
   */
  #partsNamed(request: CancelRequest, messageId: string): Part[] {
    const parts = this.ledger.parts();
    if (!this.#foundItsJob(`cancel:${messageId}`)) return [];
    if ('batchId' in request) return parts.filter(({ batch }) => batch?.batchId === request.batchId);
    if (!('jobId' in request)) return [];
    const jobs = this.ledger.jobs();
    const named = jobs.find(({ jobId }) => jobId === request.jobId);
    const job = named?.joinedJobId ? jobs.find(({ jobId }) => jobId === named.joinedJobId) : named;
    if (job?.cancelRequestedAt === undefined || job.status === 'unapproved') return []; // it is never dispatched
    return parts.filter(({ jobId, planId }) => jobId === job.jobId && planId === job.plan?.planId);
  }

  /** Whether an outcome was published that says more than that the message names nothing known. */
  #foundItsJob(outcomeId: string): boolean {
    return this.bus
      .published()
      .some(
        ({ detail: { metadata, data } }) =>
          metadata.id === outcomeId && 'outcome' in data && data.outcome !== 'unknown',
      );
  }

  /** Checks that everything that a delivered part counts as stored can be read. */
  async #checkPieces(part: Part, delivered: Delivered): Promise<void> {
    const keys = delivered.withoutPieces ? resultLinesKeys(part) : pieceKeys(part, delivered.deliveryId);
    for (const name of ['output', 'errors', 'anomalies'] as const) {
      this.piecesChecked += 1;
      const bytes = (await this.results.size(keys[name])) ?? 0; // an empty piece is not written
      if (bytes !== delivered[`${name}Bytes`]) this.unwritten.push(keys[name]);
    }
  }

  /** Checks that the API shows an end when it is published. */
  #checkEnd(batchId: string, status: string): void {
    if (!hasEnded(status)) return;
    this.api.retrieveBatch(batchId).then(
      (batch) => {
        this.endsChecked += 1;
        if (batch.status !== status)
          this.untrueEnds.push(`${batchId} was published as ${status} when it was ${batch.status}`);
      },
      () => {}, // the current key belongs to another account
    );
  }

  #cancelDuring(jobId: string, planId: string): void {
    if (!this.faults.occurs('cancel while the plan is committed', `${jobId} ${planId}`)) return;
    this.sendCancel({ jobId }, `cancel during ${planId}`);
  }

  #cancelBetween({ batchdrop_job: jobId, batchdrop_intent: intent }: Record<string, string>): void {
    if (jobId === undefined || !this.faults.occurs('cancel between send and save', `${intent}`)) return;
    this.sendCancel({ jobId }, `cancel between ${intent}`);
  }

  /**
   * Returns the ledger without one part of an open job, as after an incomplete restore of the table. DELIVER must not
   * end the job.
   */
  #withoutAPart({ id }: Invocation): Ports['ledger'] {
    const partsOf: Ports['ledger']['partsOf'] = async (jobId, planId) => {
      const parts = await this.#watched.partsOf(jobId, planId);
      const job = await this.ledger.readJob(jobId);
      if (!job || isOver(job) || !this.faults.occurs('part missing from a query', `${id} ${jobId}`))
        return parts;
      const missing = parts.find(({ phase }) => phase !== 'delivered') ?? parts.at(-1);
      return parts.filter((part) => part !== missing);
    };
    return { ...this.#watched, partsOf };
  }

  #portsFor(invocation: Invocation): OurPorts {
    const through = <P extends object>(name: string, port: P): P => this.gate.port(name, port, invocation);
    const queues = {
      reaches: REACHES[invocation.name] ?? new Set<WorkMessage['to']>(),
      send: async (messages: WorkMessage[]) => {
        for (const message of messages) this.#sendWork(message, `${invocation.id}/${invocation.calls}`);
      },
    };
    const publish: Ports['bus']['publish'] = async (events) => {
      const where = `${invocation.id}/${invocation.calls}`;
      if (this.faults.occurs('entry refused by the bus', where))
        return { refused: events.map((event) => event.detail.metadata.id) };
      for (const { detail } of events) {
        const status = 'status' in detail.data ? detail.data.status : '';
        this.note(`${invocation.id}: event ${detail.metadata.id} ${status}`);
        if ('batchId' in detail.data) this.#checkEnd(`${detail.data.batchId}`, `${status}`);
        if (status === 'unapproved') this.approver.noticed(`${detail.metadata.jobId}`);
      }
      return this.bus.publish(events);
    };
    const ports = {
      ledger: through(
        'ledger',
        invocation.name === 'deliver' ? this.#withoutAPart(invocation) : this.#watched,
      ),
      requestFiles: through('requestFiles', this.tags.watched(this.requestFiles)),
      results: through('results', this.results),
      scratch: createInMemoryScratch(),
      api: through('api', this.faultyApi),
      bus: through('bus', { publish }),
      queues: through('queues', queues),
      clock: { now: () => invocation.now() },
      ids: this.#ids,
      log: this.log,
      metrics: this.metrics,
      instance: 'Example.Batchdrop',
      resultsBucket: 'results',
      limits: this.limits,
      prices: PRICES,
      observeIntervalMs: this.webhooks.observeIntervalMs,
      ...(this.webhooks.isOn && { webhooks: true as const }),
    };
    return invocation.name === 'poll' ? this.hangs.watched(ports, invocation) : ports;
  }

  #sendWork(message: WorkMessage, from: string): void {
    const to = message.to === 'finish' ? 'deliver' : message.to;
    const body = JSON.stringify('ref' in message ? { ref: message.ref } : { jobId: message.jobId });
    this.mailbox.send(to, body, `${from} ${to}`, { losable: true });
  }
}
