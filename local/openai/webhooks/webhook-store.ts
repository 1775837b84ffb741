import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryRecord, StoredDelivery } from './delivery-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';

/** The endpoints, and the webhooks that are not accepted yet. Each call is one statement, except for `remove`. */
export class WebhookStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Adds the endpoint, or replaces the one with its id. */
  save(endpoint: EndpointRecord): void {
    this.#database
      .prepare(
        'INSERT INTO webhook_endpoints (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record',
      )
      .run(endpoint.id, JSON.stringify(endpoint));
  }

  /** Removes the endpoint and its pending webhooks. Call this within a transaction. */
  remove(id: string): void {
    this.#database.prepare('DELETE FROM webhook_deliveries WHERE endpoint_id = ?').run(id);
    this.#database.prepare('DELETE FROM webhook_endpoints WHERE id = ?').run(id);
  }

  find(id: string): EndpointRecord | undefined {
    const row = this.#database.prepare('SELECT record FROM webhook_endpoints WHERE id = ?').get(id);
    return row === undefined ? undefined : parseEndpoint(row.record);
  }

  /** Returns at most `limit` endpoints, newest first, after the endpoint `after`, which must exist. */
  newestFirst(limit: number, after: string | null): EndpointRecord[] {
    const rows =
      after === null
        ? this.#database.prepare('SELECT record FROM webhook_endpoints ORDER BY n DESC LIMIT ?').all(limit)
        : this.#database
            .prepare(
              `SELECT record FROM webhook_endpoints WHERE n < (SELECT n FROM webhook_endpoints WHERE id = ?)
               ORDER BY n DESC LIMIT ?`,
            )
            .all(after, limit);
    return rows.map((row) => parseEndpoint(row.record));
  }

  /** Returns all endpoints, oldest first. */
  all(): EndpointRecord[] {
    const rows = this.#database.prepare('SELECT record FROM webhook_endpoints ORDER BY n').all();
    return rows.map((row) => parseEndpoint(row.record));
  }

  addDelivery(delivery: DeliveryRecord): StoredDelivery {
    const row = this.#database
      .prepare('INSERT INTO webhook_deliveries (endpoint_id, record) VALUES (?, ?) RETURNING n')
      .get(delivery.endpointId, JSON.stringify(delivery));
    return { ...delivery, n: Number(row?.n) };
  }

  /** Changes a delivery. Does nothing if the delivery was removed with its endpoint. */
  saveDelivery({ n, ...delivery }: StoredDelivery): void {
    this.#database
      .prepare('UPDATE webhook_deliveries SET record = ? WHERE n = ?')
      .run(JSON.stringify(delivery), n);
  }

  removeDelivery(n: number): void {
    this.#database.prepare('DELETE FROM webhook_deliveries WHERE n = ?').run(n);
  }

  delivery(n: number): StoredDelivery | undefined {
    const row = this.#database.prepare('SELECT n, record FROM webhook_deliveries WHERE n = ?').get(n);
    return row === undefined ? undefined : parseDelivery(row);
  }

  /** Returns the pending webhooks, oldest first; with an id, only those of this endpoint. */
  deliveries(endpointId?: string): StoredDelivery[] {
    const all = this.#database.prepare('SELECT n, record FROM webhook_deliveries ORDER BY n');
    const some = this.#database.prepare(
      'SELECT n, record FROM webhook_deliveries WHERE endpoint_id = ? ORDER BY n',
    );
    return (endpointId === undefined ? all.all() : some.all(endpointId)).map(parseDelivery);
  }
}

function parseEndpoint(record: unknown): EndpointRecord {
  const endpoint: EndpointRecord = JSON.parse(String(record));
  return endpoint;
}

function parseDelivery({ n, record }: Record<string, unknown>): StoredDelivery {
  const delivery: DeliveryRecord = JSON.parse(String(record));
  return { ...delivery, n: Number(n) };
}
