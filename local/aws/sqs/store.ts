import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { inTransaction, openDatabase } from '../../sqlite.ts';
import type { MessageAttributes } from './message-attributes.ts';
import { type Queue, type QueueSettings, type QueueTime, queueArn } from './queue.ts';

/** A message in a queue. Times are in milliseconds of the queue's own clock. */
export interface StoredMessage {
  /** Never reused. A receipt handle contains it. */
  readonly seq: number;
  readonly messageId: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly sentAt: number;
  readonly receiveCount: number;
  readonly firstReceivedAt: number | undefined;
  /** The queue from which it was moved to this dead-letter queue. */
  readonly sourceArn: string | undefined;
}

interface NewMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly sentAt: number;
  readonly visibleAt: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY, time TEXT NOT NULL, settings TEXT NOT NULL,
    created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
    attributes TEXT NOT NULL, sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL,
    receive_count INTEGER NOT NULL, first_received_at INTEGER, source_arn TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS due ON messages (queue, visible_at, seq);
  CREATE INDEX IF NOT EXISTS age ON messages (queue, sent_at);
`;

/** Stores queues and messages on disk. A completed write survives a kill of the process. */
export class QueueStore {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  constructor(directory: string) {
    this.#db = openDatabase(join(directory, 'sqs.sqlite'), SCHEMA);
  }

  close(): void {
    this.#db.close();
  }

  /** Runs `action` in a transaction. */
  atomically<T>(action: () => T): T {
    return inTransaction(this.#db, action);
  }

  queues(): Queue[] {
    return this.#prepare('SELECT * FROM queues').all().map(queueOf);
  }

  saveQueue(queue: Queue): void {
    this.#prepare('INSERT OR REPLACE INTO queues VALUES (?, ?, ?, ?, ?)').run(
      queue.name,
      queue.time,
      JSON.stringify(queue.settings),
      queue.createdAt,
      queue.modifiedAt,
    );
  }

  deleteQueue(name: string): void {
    this.atomically(() => {
      this.purge(name);
      this.#prepare('DELETE FROM queues WHERE name = ?').run(name);
    });
  }

  purge(queue: string): void {
    this.#prepare('DELETE FROM messages WHERE queue = ?').run(queue);
  }

  add(queue: string, message: NewMessage): void {
    this.#prepare(
      `INSERT INTO messages (queue, message_id, body, attributes, sent_at, visible_at, receive_count)
       VALUES (?, ?, ?, ?, ?, ?, 0)`,
    ).run(
      queue,
      message.messageId,
      message.body,
      JSON.stringify(message.attributes),
      message.sentAt,
      message.visibleAt,
    );
  }

  /** Returns the messages that may be received at `now`, the longest due first. */
  due(queue: string, now: number, limit: number): StoredMessage[] {
    return this.#prepare(
      'SELECT * FROM messages WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, seq LIMIT ?',
    )
      .all(queue, now, limit)
      .map(messageOf);
  }

  /** Counts a receipt at `now` and hides the message until `visibleAt`. */
  markReceived(seq: number, now: number, visibleAt: number): void {
    this.#prepare(
      `UPDATE messages SET receive_count = receive_count + 1, visible_at = ?,
       first_received_at = coalesce(first_received_at, ?) WHERE seq = ?`,
    ).run(visibleAt, now, seq);
  }

  moveToDeadLetters(seq: number, source: Queue, target: Queue, times: { sentAt: number; now: number }): void {
    this.#prepare(
      'UPDATE messages SET queue = ?, source_arn = ?, sent_at = ?, visible_at = ? WHERE seq = ?',
    ).run(target.name, source.arn, times.sentAt, times.now, seq);
  }

  /** Deletes the message of the receipt. Returns false if it was received again or is gone. */
  delete(queue: string, receipt: Receipt): boolean {
    const { changes } = this.#prepare(
      'DELETE FROM messages WHERE queue = ? AND seq = ? AND receive_count = ?',
    ).run(queue, receipt.seq, receipt.receiveCount);
    return changes > 0;
  }

  /**
   * Hides the message of the receipt until `visibleAt`. Returns false if it is not in flight with this receipt at
   * `now`.
   */
  setVisibleAt(queue: string, receipt: Receipt, now: number, visibleAt: number): boolean {
    const { changes } = this.#prepare(
      'UPDATE messages SET visible_at = ? WHERE queue = ? AND seq = ? AND receive_count = ? AND visible_at > ?',
    ).run(visibleAt, queue, receipt.seq, receipt.receiveCount, now);
    return changes > 0;
  }

  deleteSentBefore(queue: string, time: number): void {
    this.#prepare('DELETE FROM messages WHERE queue = ? AND sent_at <= ?').run(queue, time);
  }

  /** Returns when the next message that is hidden at `now` becomes visible, if there is one. */
  nextVisibleAt(queue: string, now: number): number | undefined {
    const row = this.#prepare(
      'SELECT min(visible_at) AS next FROM messages WHERE queue = ? AND visible_at > ?',
    ).get(queue, now);
    return typeof row?.next === 'number' ? row.next : undefined;
  }

  counts(queue: string, now: number): { visible: number; inFlight: number; delayed: number } {
    const row = this.#prepare(
      `SELECT count(*) FILTER (WHERE visible_at <= :now) AS visible,
              count(*) FILTER (WHERE visible_at > :now AND receive_count > 0) AS inFlight,
              count(*) FILTER (WHERE visible_at > :now AND receive_count = 0) AS delayed
       FROM messages WHERE queue = :queue`,
    ).get({ now, queue });
    return {
      visible: Number(row?.visible),
      inFlight: Number(row?.inFlight),
      delayed: Number(row?.delayed),
    };
  }

  #prepare(sql: string): ReturnType<DatabaseSync['prepare']> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** The content of a receipt handle: one receipt of one message. */
export interface Receipt {
  readonly seq: number;
  readonly receiveCount: number;
}

type Row = Record<string, SQLOutputValue>;

function queueOf(row: Row): Queue {
  const name = String(row.name);
  const time: QueueTime = row.time === 'clock' ? 'clock' : 'wall';
  const settings: QueueSettings = JSON.parse(String(row.settings)); // written by this class
  return {
    name,
    arn: queueArn(name),
    time,
    settings,
    createdAt: Number(row.created_at),
    modifiedAt: Number(row.modified_at),
  };
}

function messageOf(row: Row): StoredMessage {
  return {
    seq: Number(row.seq),
    messageId: String(row.message_id),
    body: String(row.body),
    attributes: JSON.parse(String(row.attributes)),
    sentAt: Number(row.sent_at),
    receiveCount: Number(row.receive_count),
    firstReceivedAt: row.first_received_at === null ? undefined : Number(row.first_received_at),
    sourceArn: row.source_arn === null ? undefined : String(row.source_arn),
  };
}
