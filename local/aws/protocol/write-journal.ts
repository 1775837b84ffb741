import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../sqlite.ts';

const SCHEMA =
  'CREATE TABLE IF NOT EXISTS writes (seq INTEGER PRIMARY KEY, operation TEXT NOT NULL, body BLOB NOT NULL) STRICT';

/**
 * The writes that are under way, on disk. Dynalite writes an item's indexes and the item one after the other: a
 * process killed in between leaves an item that its index does not know, which would never be looked at again. The
 * next start repeats what stands here. To its client such a write was neither done nor refused, so either is lawful.
 */
export class WriteJournal {
  readonly #db: DatabaseSync;

  constructor(directory: string) {
    this.#db = openDatabase(join(directory, 'dynamodb-writes.sqlite'), SCHEMA);
  }

  /** Answers the number by which to strike the write off. */
  begin(operation: string, body: Buffer): number {
    const insert = this.#db.prepare('INSERT INTO writes (operation, body) VALUES (?, ?)');
    return Number(insert.run(operation, body).lastInsertRowid);
  }

  end(seq: number): void {
    this.#db.prepare('DELETE FROM writes WHERE seq = ?').run(seq);
  }

  /** What a former process left, oldest first. */
  unfinished(): { seq: number; operation: string; body: Buffer }[] {
    return this.#db
      .prepare('SELECT * FROM writes ORDER BY seq')
      .all()
      .map(({ seq, operation, body }) => ({
        seq: Number(seq),
        operation: String(operation),
        body: Buffer.from(body instanceof Uint8Array ? body : []),
      }));
  }

  close(): void {
    this.#db.close();
  }
}
