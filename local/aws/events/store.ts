import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { inTransaction, openDatabase } from '../../sqlite.ts';
import type { InputTransformer } from './input-transformer.ts';
import type { RetryPolicy } from './retry-policy.ts';

export interface Rule {
  readonly bus: string;
  readonly name: string;
  /** The pattern as JSON. */
  readonly pattern: string;
  readonly enabled: boolean;
  readonly description: string | undefined;
}

/** The target of a rule. */
export interface Target {
  readonly id: string;
  /** ARN of an SQS queue or a Lambda function. */
  readonly arn: string;
  /** Sent instead of the event. */
  readonly input?: string;
  /** `$.a.b`: only this part of the event is sent. */
  readonly inputPath?: string;
  /** A template for the content that is sent. */
  readonly inputTransformer?: InputTransformer;
  readonly deadLetterArn?: string;
  readonly retryPolicy?: RetryPolicy;
}

/** An accepted event to deliver to one target. */
export interface Delivery {
  readonly seq: number;
  readonly ruleArn: string;
  readonly target: Target;
  /** The JSON to send: the event, or the target's input. */
  readonly payload: string;
  readonly tries: number;
  /** Time of acceptance, in milliseconds by the runtime's clock. */
  readonly acceptedAt: number;
  /** Time of the next attempt, in milliseconds by the runtime's clock. */
  readonly dueAt: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS buses (name TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS rules (
    bus TEXT NOT NULL, name TEXT NOT NULL, pattern TEXT NOT NULL, enabled INTEGER NOT NULL, description TEXT,
    PRIMARY KEY (bus, name)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS targets (
    bus TEXT NOT NULL, rule TEXT NOT NULL, id TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (bus, rule, id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, rule_arn TEXT NOT NULL, target TEXT NOT NULL, payload TEXT NOT NULL,
    tries INTEGER NOT NULL, accepted_at INTEGER NOT NULL, due_at INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO buses VALUES ('default');
`;

/** Stores buses, rules, targets and deliveries on disk. A completed write survives a kill of the process. */
export class EventStore {
  readonly #db: DatabaseSync;

  constructor(directory: string) {
    this.#db = openDatabase(join(directory, 'events.sqlite'), SCHEMA);
    this.#addAcceptedAt();
  }

  close(): void {
    this.#db.close();
  }

  addBus(name: string): void {
    this.#db.prepare('INSERT OR IGNORE INTO buses VALUES (?)').run(name);
  }

  buses(): string[] {
    return this.#db
      .prepare('SELECT name FROM buses ORDER BY name')
      .all()
      .map((row) => String(row.name));
  }

  saveRule(rule: Rule): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO rules VALUES (?, ?, ?, ?, ?)')
      .run(rule.bus, rule.name, rule.pattern, rule.enabled ? 1 : 0, rule.description ?? null);
  }

  deleteRule(bus: string, name: string): void {
    this.#db.prepare('DELETE FROM rules WHERE bus = ? AND name = ?').run(bus, name);
  }

  rules(): Rule[] {
    return this.#db.prepare('SELECT * FROM rules ORDER BY bus, name').all().map(ruleOf);
  }

  saveTarget(bus: string, rule: string, target: Target): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?)')
      .run(bus, rule, target.id, JSON.stringify(target));
  }

  deleteTarget(bus: string, rule: string, id: string): boolean {
    const statement = this.#db.prepare('DELETE FROM targets WHERE bus = ? AND rule = ? AND id = ?');
    return statement.run(bus, rule, id).changes > 0;
  }

  targets(bus: string, rule: string): Target[] {
    return this.#db
      .prepare('SELECT target FROM targets WHERE bus = ? AND rule = ? ORDER BY id')
      .all(bus, rule)
      .map((row) => JSON.parse(String(row.target)));
  }

  /** Records all deliveries of an event or none. Returns them with their numbers. */
  addDeliveries(deliveries: readonly Omit<Delivery, 'seq'>[]): Delivery[] {
    const insert = this.#db.prepare(
      'INSERT INTO deliveries (rule_arn, target, payload, tries, accepted_at, due_at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    return inTransaction(this.#db, () =>
      deliveries.map((delivery) => {
        const { ruleArn, target, payload, tries, acceptedAt, dueAt } = delivery;
        const json = JSON.stringify(target);
        const { lastInsertRowid } = insert.run(ruleArn, json, payload, tries, acceptedAt, dueAt);
        return { ...delivery, seq: Number(lastInsertRowid) };
      }),
    );
  }

  deliveries(): Delivery[] {
    return this.#db.prepare('SELECT * FROM deliveries ORDER BY seq').all().map(deliveryOf);
  }

  postpone(delivery: Delivery): void {
    this.#db
      .prepare('UPDATE deliveries SET tries = ?, due_at = ? WHERE seq = ?')
      .run(delivery.tries, delivery.dueAt, delivery.seq);
  }

  endDelivery(seq: number): void {
    this.#db.prepare('DELETE FROM deliveries WHERE seq = ?').run(seq);
  }

  /** Updates a data directory that was made before the age limit existed. Its events count from their next attempt. */
  #addAcceptedAt(): void {
    const columns = this.#db.prepare('PRAGMA table_info(deliveries)').all();
    if (columns.some(({ name }) => name === 'accepted_at')) return;
    this.#db.exec('ALTER TABLE deliveries ADD COLUMN accepted_at INTEGER NOT NULL DEFAULT 0');
    this.#db.exec('UPDATE deliveries SET accepted_at = due_at');
  }
}

type Row = Record<string, SQLOutputValue>;

function ruleOf(row: Row): Rule {
  return {
    bus: String(row.bus),
    name: String(row.name),
    pattern: String(row.pattern),
    enabled: row.enabled === 1,
    description: row.description === null ? undefined : String(row.description),
  };
}

function deliveryOf(row: Row): Delivery {
  return {
    seq: Number(row.seq),
    ruleArn: String(row.rule_arn),
    target: JSON.parse(String(row.target)),
    payload: String(row.payload),
    tries: Number(row.tries),
    acceptedAt: Number(row.accepted_at),
    dueAt: Number(row.due_at),
  };
}
