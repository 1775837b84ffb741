/**
 * Sends webhooks until the receiver accepts them.
 *
 * 1. A webhook is stored in the transaction of the event that it reports, so a kill loses none.
 * 2. Each attempt has its own signature, with its time and the endpoint's current secrets.
 * 3. A response from 200 to 299 ends it. After anything else, the webhook is sent again: 10 seconds later, then with
 *    doubled pauses of up to 6 hours, for 72 hours of the server's clock.
 *
 * A kill during an attempt leaves the webhook stored, and the next server sends it again. So webhooks arrive at least
 * once, in any order.
 */
import type { VirtualClock } from '../../clock.ts';
import { InFlight } from '../../in-flight.ts';
import { inTransaction } from '../../sqlite.ts';
import { Turns } from '../../turns.ts';
import { printableJson } from '../../unprintable.ts';
import type { ServerState } from '../state.ts';
import type { DeliveryRecord, StoredDelivery } from './delivery-record.ts';
import { type EndpointRecord, validSecrets } from './endpoint-record.ts';
import { type Attempt, newSecret, sendWebhook, signedHeaders } from './send-webhook.ts';
import type { WebhookStore } from './webhook-store.ts';

const FIRST_RETRY_MS = 10_000;
const MAX_RETRY_MS = 6 * 3_600_000;
const GIVEN_UP_AFTER_MS = 72 * 3_600_000;
const MAX_AT_ONCE = 8; // per endpoint

/** The clock by which receivers verify a timestamp. It is slowed down while it is held. */
export type ReceiversClock = Pick<VirtualClock, 'now' | 'hold'>;

type State = Pick<ServerState, 'database' | 'audit' | 'clock' | 'limits'>;

export class Deliveries {
  readonly #state: State;
  readonly #store: WebhookStore;
  readonly #receivers: ReceiversClock;
  readonly #onAttempt: (batchId: string) => void;
  readonly #timers = new Map<number, () => void>();
  readonly #turns = new Turns(MAX_AT_ONCE);
  readonly #inFlight = new InFlight();
  readonly #closing = new AbortController();

  /** `onAttempt` is called after each attempt to send a webhook about a batch. */
  constructor(
    state: State,
    store: WebhookStore,
    options: { receivers: ReceiversClock; onAttempt: (batchId: string) => void },
  ) {
    this.#state = state;
    this.#store = store;
    this.#receivers = options.receivers;
    this.#onAttempt = options.onAttempt;
    for (const delivery of store.deliveries()) this.#arm(delivery);
  }

  /** Stores a webhook and sends it when it is due. Call this within the transaction of the event that it reports. */
  add(delivery: DeliveryRecord): void {
    this.#arm(this.#store.addDelivery(delivery));
  }

  /** Sends a webhook once, at once, without storing it. */
  async sendOnce(endpoint: EndpointRecord, webhookId: string, body: string): Promise<Attempt> {
    const secrets = validSecrets(endpoint, this.#state.clock.now());
    return await this.#inFlight.add(this.#post(endpoint, webhookId, { body, secrets }));
  }

  /** Ends all attempts. The next server makes them again. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const disarm of this.#timers.values()) disarm();
    this.#timers.clear();
    await this.#inFlight.ended();
  }

  #arm({ n, endpointId, dueMs }: StoredDelivery): void {
    this.#timers.get(n)?.();
    const disarm = this.#state.clock.at(dueMs, () => {
      this.#timers.delete(n);
      void this.#inFlight.add(this.#turns.run(endpointId, () => this.#attemptOrRetry(n)));
    });
    this.#timers.set(n, disarm);
  }

  async #attemptOrRetry(n: number): Promise<void> {
    try {
      await this.#attempt(n);
    } catch (cause) {
      if (this.#closing.signal.aborted) return;
      const reason = cause instanceof Error ? cause.message : String(cause);
      process.stderr.write(`${printableJson({ code: 'webhook_failed', reason })}\n`);
      const delivery = this.#store.delivery(n); // none, if only writing the log failed
      if (delivery) this.#arm({ ...delivery, dueMs: this.#state.clock.now() + FIRST_RETRY_MS });
    }
  }

  async #attempt(n: number): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const delivery = this.#store.delivery(n);
    const endpoint = delivery && this.#store.find(delivery.endpointId);
    if (delivery === undefined || endpoint === undefined) return; // removed meanwhile
    const { webhookId, body } = delivery;
    const outcome = await this.#post(endpoint, webhookId, {
      body,
      secrets: this.#secretsFor(delivery, endpoint),
    });
    if (this.#closing.signal.aborted) return;
    this.#settle(delivery, outcome);
    this.#releaseHeldBack(delivery);
    this.#onAttempt(delivery.batchId);
  }

  #secretsFor({ isSigned, attempts }: DeliveryRecord, endpoint: EndpointRecord): string[] {
    const isGenuine = isSigned === 'always' || (isSigned === 'later' && attempts > 0);
    return isGenuine ? validSecrets(endpoint, this.#state.clock.now()) : [newSecret()];
  }

  async #post(
    { url }: EndpointRecord,
    webhookId: string,
    { body, secrets }: { body: string; secrets: string[] },
  ): Promise<Attempt> {
    const release = this.#receivers.hold('answer');
    try {
      const headers = signedHeaders(webhookId, body, { secrets, at: this.#receivers.now() });
      return await sendWebhook(url, body, headers, {
        closing: this.#closing.signal,
        answerMs: this.#state.limits.webhookAnswerMs,
      });
    } finally {
      release();
    }
  }

  #settle(delivery: StoredDelivery, outcome: Attempt): void {
    const { audit, clock, database } = this.#state;
    const { webhookId, endpointId, batchId, type, createdMs, isSigned } = delivery;
    const now = clock.now();
    const attempts = delivery.attempts + 1;
    const isTaken = 'status' in outcome && outcome.status >= 200 && outcome.status < 300;
    const dueMs = now + Math.min(FIRST_RETRY_MS * 2 ** delivery.attempts, MAX_RETRY_MS);
    const isGivenUp = !isTaken && isSigned !== 'never' && dueMs > createdMs + GIVEN_UP_AFTER_MS;
    const later = { ...delivery, attempts, dueMs, isHeldBack: false };
    const isOver = isTaken || isGivenUp || isSigned === 'never';
    inTransaction(database, () => {
      audit.record(now, {
        ...{ event: 'webhook.sent', webhookId, endpointId, batchId, type, attempt: attempts },
        ...(isSigned === 'never' && { isForged: true }),
        ...outcome,
      });
      if (isGivenUp) audit.record(now, { event: 'webhook.given_up', webhookId, endpointId, batchId, type });
      if (isOver) this.#store.removeDelivery(delivery.n);
      else this.#store.saveDelivery(later);
    });
    audit.flush();
    if (!isOver) this.#arm(later);
  }

  /** Webhooks that were held back for a later one are due now. */
  #releaseHeldBack({ n, endpointId }: StoredDelivery): void {
    for (const held of this.#store.deliveries(endpointId)) {
      if (!held.isHeldBack || held.n >= n) continue;
      const due = { ...held, isHeldBack: false, dueMs: this.#state.clock.now() };
      this.#store.saveDelivery(due);
      this.#arm(due);
    }
  }
}
