import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { numberOf, textOf } from './database.ts';

/** The event that S3 sends to EventBridge for a new object version. */
export interface ObjectCreatedEvent {
  readonly version: '0';
  /** The same in each copy of the event. */
  readonly id: string;
  readonly 'detail-type': 'Object Created';
  readonly source: 'aws.s3';
  readonly account: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly [bucketArn: string];
  readonly detail: {
    readonly version: '0';
    readonly bucket: { readonly name: string };
    readonly object: {
      /** Not URL-encoded. */
      readonly key: string;
      /** Bytes. */
      readonly size: number;
      /** Without quotes. */
      readonly etag: string;
      /** Only if the bucket is versioned. */
      readonly 'version-id'?: string;
      /** Hexadecimal, of fixed length. Increases with each version of a key. */
      readonly sequencer: string;
    };
    readonly 'request-id': string;
    readonly requester: string;
    readonly 'source-ip-address': string;
    readonly reason: CreationReason;
  };
}

export type CreationReason = 'PutObject' | 'CompleteMultipartUpload' | 'CopyObject';

export type ObjectCreatedListener = (event: ObjectCreatedEvent) => void | Promise<void>;

const RETRY_AFTER_MS = 1000;

/**
 * Events to deliver. An event is recorded in the transaction that makes its object visible, and is removed only when
 * the listener has accepted it. It is therefore delivered at least once, even if the process is killed in between.
 */
export class Outbox {
  readonly #clock: Clock;
  readonly #listener: ObjectCreatedListener | undefined;
  readonly #insert: StatementSync;
  readonly #next: StatementSync;
  readonly #delete: StatementSync;
  #delivering: Promise<void> | undefined;
  #takeBackRetry: (() => void) | undefined;
  #closed = false;

  constructor(database: DatabaseSync, clock: Clock, listener: ObjectCreatedListener | undefined) {
    this.#clock = clock;
    this.#listener = listener;
    this.#insert = database.prepare('INSERT INTO event (body) VALUES (?)');
    this.#next = database.prepare('SELECT id, body FROM event WHERE id > ? ORDER BY id LIMIT 1');
    this.#delete = database.prepare('DELETE FROM event WHERE id = ?');
  }

  /** Call this within the transaction. Delivery starts when the transaction has ended. */
  record(event: ObjectCreatedEvent): void {
    if (this.#listener === undefined) return; // as on a bus without rules, nobody receives it
    this.#insert.run(JSON.stringify(event));
    setImmediate(() => void this.deliverPending());
  }

  /**
   * Delivers every recorded event, oldest first. An event that the listener rejects is delivered again a second later.
   */
  deliverPending(): Promise<void> {
    this.#delivering ??= this.#deliver().finally(() => {
      this.#delivering = undefined;
    });
    return this.#delivering;
  }

  /** Waits for the running delivery. The remaining events are delivered after the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#takeBackRetry?.();
    await this.#delivering;
  }

  async #deliver(): Promise<void> {
    let refused = false;
    for (let after = 0; !this.#closed && this.#listener !== undefined; ) {
      const row = this.#next.get(after);
      if (row === undefined) break;
      after = numberOf(row, 'id');
      const event: ObjectCreatedEvent = JSON.parse(textOf(row, 'body'));
      try {
        await this.#listener(event);
        this.#delete.run(after);
      } catch (error) {
        refused = true; // one event must not delay the following ones
        console.error(JSON.stringify({ code: 's3.event-refused', eventId: event.id, error: String(error) }));
      }
    }
    if (refused && !this.#closed) this.#retryLater();
  }

  #retryLater(): void {
    this.#takeBackRetry?.();
    this.#takeBackRetry = this.#clock.at(
      this.#clock.now() + RETRY_AFTER_MS,
      () => void this.deliverPending(),
    );
  }
}
