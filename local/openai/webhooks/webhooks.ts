/**
 * Reports the ends of batches to the endpoints that subscribed to them. The faults of a batch's webhooks are decided
 * when the batch is created, see faults.ts:
 *   - webhook-lost          none is sent
 *   - webhook-twice         each is sent twice at once, with the same id
 *   - webhook-late          the first attempt comes later
 *   - webhook-out-of-order  the first attempt waits for a webhook of a later end
 *   - webhook-forged        a stranger's webhook about the batch is sent as well
 *   - webhook-wrong-secret  the first attempt has a wrong signature
 *   - webhook-early         the batch ends, and its webhook is sent, before the response to its create
 */
import type { BatchRecord } from '../batches/batch-record.ts';
import { nextNumber } from '../database.ts';
import type { WebhookFault } from '../faults/faults.ts';
import { seededHex } from '../faults/seeded-random.ts';
import type { ServerState } from '../state.ts';
import { Deliveries, type ReceiversClock } from './deliveries.ts';
import type { DeliveryRecord } from './delivery-record.ts';
import { currentSecret, type EndpointRecord } from './endpoint-record.ts';
import { BATCH_EVENT_TYPES, type EndpointSettings } from './endpoint-request.ts';
import { type Attempt, newSecret } from './send-webhook.ts';
import { WebhookStore } from './webhook-store.ts';

const ID_LENGTH = 32;
const WALL_CLOCK: ReceiversClock = { now: Date.now, hold: () => () => {} };

export class Webhooks {
  readonly store: WebhookStore;
  readonly #state: ServerState;
  readonly #deliveries: Deliveries;
  readonly #untold = new Map<string, PromiseWithResolvers<void>>();

  /** `receivers`: the clock by which receivers verify timestamps, by default the wall clock. */
  constructor(state: ServerState, receivers: ReceiversClock = WALL_CLOCK) {
    this.#state = state;
    this.store = new WebhookStore(state.database);
    this.#deliveries = new Deliveries(state, this.store, {
      receivers,
      onAttempt: (batchId) => this.#noteTold(batchId),
    });
  }

  /** Stores the webhooks of a batch that ended. Call this within the transaction of the end. */
  noteEnd(batch: BatchRecord): void {
    const now = this.#state.clock.now();
    const type = `batch.${batch.status}`;
    const faults = batch.webhookFaults ?? [];
    const has = (name: WebhookFault['fault']) => faults.some(({ fault }) => fault === name);
    const endpoints = has('webhook-lost')
      ? []
      : this.store.all().filter(({ eventTypes }) => eventTypes.includes(type));
    const body = this.eventBody(type, batch.id, now);
    for (const { id: endpointId } of endpoints) {
      const delivery: DeliveryRecord = {
        ...{ webhookId: this.newId('wh'), endpointId, batchId: batch.id, type, body, createdMs: now },
        dueMs: now + delayOf(faults),
        attempts: 0,
        isHeldBack: has('webhook-out-of-order'),
        isSigned: has('webhook-wrong-secret') ? 'later' : 'always',
      };
      if (has('webhook-forged')) this.#deliveries.add(this.#forgery(delivery));
      this.#deliveries.add(delivery);
      if (has('webhook-twice')) this.#deliveries.add(delivery);
    }
    if (endpoints.length === 0) this.#noteTold(batch.id);
  }

  /**
   * Announces that the end of a batch will be sent, so that `told` waits for it. Call this before the batch can end.
   */
  expectEnd(batchId: string): void {
    this.#untold.set(batchId, Promise.withResolvers());
  }

  /** Waits until the end of an announced batch was sent once, or will not be sent. Rejects when the server closes. */
  async told(batchId: string): Promise<void> {
    await this.#untold.get(batchId)?.promise;
  }

  /** Sends a sample event once, immediately. */
  async test(endpoint: EndpointRecord, type: string): Promise<Attempt> {
    const [kind = 'event'] = type.split('.');
    const body = this.eventBody(type, this.newId(kind), this.#state.clock.now());
    return await this.#deliveries.sendOnce(endpoint, this.newId('wh'), body);
  }

  create(settings: EndpointSettings, secret = newSecret()): EndpointRecord {
    const now = this.#state.clock.now();
    const endpoint: EndpointRecord = {
      id: this.newId('whe'),
      ...settings,
      secrets: [{ secret, untilMs: null }],
      createdMs: now,
      updatedMs: now,
    };
    this.store.save(endpoint);
    return endpoint;
  }

  /**
   * Makes the endpoint with this name send the ends of batches to the URL, and creates the endpoint if it is missing.
   * Returns its signing secret: the given one, or the one that it already has.
   */
  register({ name, url, secret }: { name: string; url: string; secret?: string | undefined }): string {
    const eventTypes = BATCH_EVENT_TYPES;
    const known = this.store.all().find((endpoint) => endpoint.name === name);
    if (known === undefined) return currentSecret(this.create({ name, url, eventTypes }, secret));
    const chosen = secret ?? currentSecret(known);
    const secrets = [{ secret: chosen, untilMs: null }];
    this.store.save({ ...known, url, eventTypes, secrets, updatedMs: this.#state.clock.now() });
    return chosen;
  }

  async close(): Promise<void> {
    for (const { promise, reject } of this.#untold.values()) {
      promise.catch(() => {}); // nobody may be waiting
      reject(new Error('the server is closing'));
    }
    await this.#deliveries.close();
  }

  /** Returns the JSON text of an event. */
  eventBody(type: string, id: string, now: number): string {
    const event = { id: this.newId('evt'), object: 'event', created_at: Math.floor(now / 1_000), type };
    return JSON.stringify({ ...event, data: { id } });
  }

  newId(prefix: string): string {
    const { seed, database } = this.#state;
    return `${prefix}_${seededHex(`${seed}/${prefix}/${nextNumber(database, prefix)}`, ID_LENGTH)}`;
  }

  #noteTold(batchId: string): void {
    this.#untold.get(batchId)?.resolve();
    this.#untold.delete(batchId);
  }

  /** Returns the webhook of a stranger who knows the URL and the batch, but no secret. */
  #forgery(genuine: DeliveryRecord): DeliveryRecord {
    const type = 'batch.completed';
    const body = this.eventBody(type, genuine.batchId, genuine.createdMs);
    const webhookId = this.newId('wh');
    return {
      ...genuine,
      webhookId,
      type,
      body,
      dueMs: genuine.createdMs,
      isHeldBack: false,
      isSigned: 'never',
    };
  }
}

/** Returns how long the first attempt waits, in milliseconds. */
function delayOf(faults: readonly WebhookFault[]): number {
  return 1_000 * Math.max(0, ...faults.map((fault) => ('seconds' in fault ? fault.seconds : 0)));
}
