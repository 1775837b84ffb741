import { createHandler as approveHandler } from '../../functions/approve/handler.ts';
import { createHandler as cancelHandler } from '../../functions/cancel/handler.ts';
import { createHandler as deliverHandler } from '../../functions/deliver/handler.ts';
import type { TableSettings } from '../../functions/deliver/job/write-table.ts';
import type { RerunPolicy } from '../../functions/deliver/part/next-attempt.ts';
import { createHandler as intakeHandler } from '../../functions/intake/handler.ts';
import { createHandler as pollHandler } from '../../functions/poll/handler.ts';
import { isGenuine } from '../../functions/shared/adapters/openai/webhook-signature.ts';
import { DETAIL_TYPE } from '../../functions/shared/contract/events.ts';
import type { PriceSettings } from '../../functions/shared/contract/price-settings.ts';
import type { Job } from '../../functions/shared/domain/job.ts';
import { jobIdOf } from '../../functions/shared/domain/job-id.ts';
import { PriceList } from '../../functions/shared/domain/money/price-list.ts';
import type { HoldPolicy } from '../../functions/shared/domain/money/reason-to-hold.ts';
import type { OutgoingEvent } from '../../functions/shared/domain/outgoing-event.ts';
import type { Part } from '../../functions/shared/domain/part.ts';
import { APPROVAL_EXPIRES_MS } from '../../functions/shared/domain/timing.ts';
import type { BatchLimits } from '../../functions/shared/domain/waiting/batch-limits.ts';
import type { BatchApi, Deadline, Ports, WorkMessage } from '../../functions/shared/ports/ports.ts';
import { createHandler as submitHandler } from '../../functions/submit/handler.ts';
import { createHandler as webhookHandler } from '../../functions/webhook/handler.ts';
import type { WebhookAnswer, WebhookRequest } from '../../functions/webhook/read-request.ts';
import { createInMemoryBatchApi, type InMemoryBatchApiOptions } from '../fakes/in-memory-batch-api.ts';
import { createInMemoryLedger } from '../fakes/in-memory-ledger.ts';
import { createInMemoryRequestFiles } from '../fakes/in-memory-request-files.ts';
import { createInMemoryResults } from '../fakes/in-memory-results.ts';
import { createInMemoryScratch } from '../fakes/in-memory-scratch.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { createRecordingBus } from '../fakes/recording-bus.ts';
import { createRecordingLog } from '../fakes/recording-log.ts';
import { createRecordingMetrics } from '../fakes/recording-metrics.ts';
import { createRecordingQueues } from '../fakes/recording-queues.ts';
import { createSeededIds } from '../fakes/seeded-ids.ts';
import { SIGNING_SECRET, signedRequest } from './webhook/signed-webhook.ts';

export const REQUESTS = 'requests';
export const RESULTS = 'results';
export const INSTANCE = 'Example.Batchdrop';
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

type Settings = Omit<InMemoryBatchApiOptions, 'clock' | 'seed'> & {
  /** Default: three attempts, as deployed. */
  rerun?: Partial<RerunPolicy>;
  prices?: PriceSettings;
  /** Default: none. */
  limits?: Partial<BatchLimits>;
  /** Which jobs are held. Default: those whose files ask for it, for seven days. */
  holds?: Partial<HoldPolicy>;
  /** Webhooks are on; default: off. */
  webhooks?: true;
  observeIntervalMs?: number;
  /** Whether each completed tick is reported as a metric. Default: yes. */
  heartbeat?: boolean;
  /** Default: files that ask for one get a table, of one piece. */
  tables?: Partial<TableSettings>;
  refuses?: (event: OutgoingEvent) => boolean;
  /** Ports that replace the fakes, such as faulty ones. */
  replaced?: (fakes: Ports) => Partial<Ports>;
};

/** The handlers with fakes. It adds no faults: everything that a test does happens at once and in order. */
export class SmallWorld {
  readonly clock = new ManualClock();
  readonly ledger = createInMemoryLedger({ clock: this.clock });
  readonly requestFiles = createInMemoryRequestFiles({ clock: this.clock });
  readonly results = createInMemoryResults();
  readonly scratch = createInMemoryScratch();
  readonly queues = createRecordingQueues();
  readonly log = createRecordingLog();
  readonly metrics = createRecordingMetrics();
  readonly ids = createSeededIds(7);
  readonly api;
  readonly bus;
  readonly ports: Ports & {
    instance: string;
    resultsBucket: string;
    completionWindow: string;
    rerun: RerunPolicy;
    prices: PriceList;
    limits: BatchLimits;
    holds: HoldPolicy;
    webhooks?: true;
    observeIntervalMs: number;
    heartbeat?: true;
    tables: TableSettings;
  };

  /** One instance of the function, which remembers when it last noted a webhook. */
  #webhooks: ReturnType<typeof webhookHandler> | undefined;

  constructor(settings: Settings = {}) {
    const {
      refuses,
      replaced,
      rerun,
      limits,
      holds,
      webhooks,
      observeIntervalMs = 0,
      heartbeat = true,
      prices,
      tables,
      ...api
    } = settings;
    this.api = createInMemoryBatchApi({ clock: this.clock, seed: 7, ...api });
    this.bus = createRecordingBus(refuses ? { refuses } : {});
    const { ledger, requestFiles, results, scratch, queues, log, metrics, ids, clock, bus } = this;
    const fakes: Ports = {
      ledger,
      requestFiles,
      results,
      scratch,
      queues,
      log,
      metrics,
      ids,
      clock,
      bus,
      api: this.api,
    };
    this.ports = {
      ...fakes,
      ...replaced?.(fakes),
      instance: INSTANCE,
      resultsBucket: RESULTS,
      completionWindow: '24h',
      rerun: { maxAttempts: 3, rerunMissing: false, ...rerun },
      prices: new PriceList(prices),
      limits: { enqueuedTokens: {}, ...limits },
      holds: { expiresAfterMs: APPROVAL_EXPIRES_MS, ...holds },
      observeIntervalMs,
      tables: { always: false, pieceBytes: 16_777_216, ...tables },
      ...(webhooks && { webhooks }),
      ...(heartbeat && { heartbeat }),
    };
  }

  deadline(milliseconds = 10 * MINUTE): Deadline {
    return { until: this.clock.now() + milliseconds, signal: new AbortController().signal };
  }

  /** Uploads a file, and returns S3's event for it. */
  upload(
    key: string,
    body: string,
    metadata: Record<string, string> = {},
  ): { jobId: string; versionId: string; event: string } {
    const { versionId, size, etag } = this.requestFiles.put(REQUESTS, key, body, metadata);
    const object = { key, size, etag, 'version-id': versionId, sequencer: versionId };
    return {
      jobId: jobIdOf({ bucket: REQUESTS, key, versionId }),
      versionId,
      event: JSON.stringify({ detail: { bucket: { name: REQUESTS }, object } }),
    };
  }

  intake(body: string, deadline = this.deadline()): Promise<void> {
    return intakeHandler({ ...this.ports, requestBucket: REQUESTS })(body, deadline);
  }

  submit(body: string, deadline = this.deadline()): Promise<void> {
    return submitHandler(this.ports)(body, deadline);
  }

  deliver(body: string, deadline = this.deadline(), keepFiles = false): Promise<void> {
    return deliverHandler({ ...this.ports, keepFiles })(body, deadline);
  }

  poll(milliseconds = 55_000): Promise<void> {
    return pollHandler(this.ports)(this.deadline(milliseconds));
  }

  /** The tick that the event of a batch's end starts. */
  pollAtEnd(): Promise<void> {
    return pollHandler(this.ports)(this.deadline(55_000), 'end');
  }

  cancel(request: object, sentAt = this.clock.now(), id = 'message-1'): Promise<void> {
    return cancelHandler(this.ports)({ id, body: JSON.stringify(request), sentAt }, this.deadline());
  }

  /** An approval of a job, by a function that sends to SUBMIT. */
  approve(jobId: string, id = 'approval-1', sentAt = this.clock.now()): Promise<void> {
    return approveHandler(this.ports)({ id, body: JSON.stringify({ jobId }), sentAt });
  }

  /** Sends a genuine webhook about the end of a batch, with a status that WEBHOOK must not believe. */
  webhook(batchId: string, deadline = this.deadline()): Promise<WebhookAnswer> {
    const event = { id: 'evt_1', object: 'event', type: 'batch.completed', data: { id: batchId } };
    return this.webhookRequest(signedRequest(event), deadline);
  }

  webhookRequest(request: WebhookRequest, deadline = this.deadline()): Promise<WebhookAnswer> {
    const secrets = { current: async () => [SIGNING_SECRET], afterRefusal: async () => [] };
    this.#webhooks ??= webhookHandler({ ...this.ports, secrets, isGenuine });
    return this.#webhooks(request, deadline);
  }

  /** Uploads a file and runs its intake. Returns the id of its job. */
  async drop(key: string, body: string, metadata: Record<string, string> = {}): Promise<string> {
    const { jobId, event } = this.upload(key, body, metadata);
    await this.intake(event);
    return jobId;
  }

  /** Delivers every waiting message, and every message that follows from it. */
  async work(): Promise<void> {
    for (let waiting = this.queues.take(); waiting.length > 0; waiting = this.queues.take()) {
      for (const message of waiting) await this.#handle(message);
    }
  }

  #handle(message: WorkMessage): Promise<void> {
    const body = JSON.stringify('ref' in message ? { ref: message.ref } : { jobId: message.jobId });
    if (message.to === 'intake') return this.intake(body);
    return message.to === 'submit' ? this.submit(body) : this.deliver(body);
  }

  /** Advances the clock by minutes. Each minute has one tick, and its messages are delivered. */
  async pass(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 1) {
      this.clock.advance(MINUTE);
      await this.poll();
      await this.work();
    }
  }

  /** Advances the clock until nothing is due. */
  async rest(longestMinutes = 3000): Promise<void> {
    await this.work();
    for (let minute = 0; minute < longestMinutes; minute += 1) {
      const items = [...this.ledger.jobs(), ...this.ledger.parts()];
      if (items.every(({ dueAt }) => dueAt === undefined)) return;
      await this.pass(1);
    }
    throw new Error(`something is still due after ${longestMinutes} minutes`);
  }

  job(jobId: string): Job {
    const job = this.ledger.jobs().find((known) => known.jobId === jobId);
    if (!job) throw new Error(`there is no job ${jobId}`);
    return job;
  }

  /** Returns the parts of the job's plan. */
  parts(jobId: string): Part[] {
    const planId = this.job(jobId).plan?.planId;
    return this.ledger.parts().filter((part) => part.jobId === jobId && part.planId === planId);
  }

  /** Returns the published statuses of the job, in order. */
  jobStatuses(jobId: string): string[] {
    return this.bus.published().flatMap((event) => {
      if (event.detailType !== DETAIL_TYPE.jobStatusChange) return [];
      return event.detail.metadata.jobId === jobId ? [event.detail.data.status] : [];
    });
  }

  /** Returns the published statuses of all batches, in order. */
  batchStatuses(): string[] {
    return this.bus
      .published()
      .flatMap((event) =>
        event.detailType === DETAIL_TYPE.batchStatusChange ? [event.detail.data.status] : [],
      );
  }

  outcomes(): string[] {
    return this.bus
      .published()
      .flatMap((event) =>
        event.detailType === DETAIL_TYPE.cancelOutcome ? [event.detail.data.outcome] : [],
      );
  }

  /** Returns the lines of the object whose key ends with `end`; empty if there is no such object. */
  lines(end: string): Record<string, unknown>[] {
    const found = [...this.results.objects()].find(
      ([key]) => key.endsWith(end) && !key.startsWith('_batchdrop/'),
    );
    if (!found) return [];
    const text = Buffer.from(found[1].body).toString();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Record<string, unknown> => JSON.parse(line));
  }
}

/** Returns a line of a request file. */
export function row(customId: string, differences: object = {}): string {
  const plain = {
    custom_id: customId,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4o-mini', messages: [] },
  };
  return JSON.stringify({ ...plain, ...differences });
}

/** Returns a request file with one row per id. */
export function fileOf(...customIds: string[]): string {
  return customIds.map((customId) => `${row(customId)}\n`).join('');
}

/**
 * Returns a request file that needs two batches, because its two rows have more embedding inputs than one batch may
 * have.
 */
export function fileOfTwoParts(): string {
  const input = Array.from({ length: 30_000 }, () => 'a');
  const differences = { url: '/v1/embeddings', body: { model: 'text-embedding-3-small', input } };
  return `${row('first', differences)}\n${row('second', differences)}\n`;
}

/** Returns the API with some methods replaced. The API object itself does not change. */
export function withMethods(api: BatchApi, methods: Partial<BatchApi>): BatchApi {
  return {
    uploadFile: api.uploadFile.bind(api),
    createBatch: api.createBatch.bind(api),
    retrieveBatch: api.retrieveBatch.bind(api),
    listBatches: api.listBatches.bind(api),
    cancelBatch: api.cancelBatch.bind(api),
    fileBytes: api.fileBytes.bind(api),
    readFile: api.readFile.bind(api),
    deleteFile: api.deleteFile.bind(api),
    ...methods,
  };
}
