import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { openDatabase } from '../../sqlite.ts';

const SCHEMA =
  'CREATE TABLE IF NOT EXISTS writes (seq INTEGER PRIMARY KEY, operation TEXT NOT NULL, body BLOB NOT NULL) STRICT';

/**
 * Records the writes in flight on disk. Dynalite writes an item's index entries and then the item. A process that is
 * killed in between would leave an item that is missing from the index and can never be found. The next start repeats
 * the writes in the journal. Their clients got no response, so both outcomes are valid.
 */
export class WriteJournal {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(directory: string) {
    this.#db = openDatabase(join(directory, 'dynamodb-writes.sqlite'), SCHEMA);
    this.#insert = this.#db.prepare('INSERT INTO writes (operation, body) VALUES (?, ?)');
    this.#delete = this.#db.prepare('DELETE FROM writes WHERE seq = ?');
  }

  /** Records the write; returns the number to pass to `end`. */
  begin(operation: string, body: Buffer): number {
    return Number(this.#insert.run(operation, body).lastInsertRowid);
  }

  end(seq: number): void {
    this.#delete.run(seq);
  }

  /** Returns the writes that an earlier process did not finish, oldest first. */
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
