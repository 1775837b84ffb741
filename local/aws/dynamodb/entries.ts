import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import type { Done, KeyRange, Section } from 'dynalite/db/index.js';
import { inTransaction, openDatabase } from '../../sqlite.ts';

const SCHEMA = `CREATE TABLE IF NOT EXISTS entries (
  section TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (section, key)
) STRICT, WITHOUT ROWID`;
const PAGE = 100; // entries that are read at once
const BOUNDS = [
  ['gt', '>'],
  ['gte', '>='],
  ['lt', '<'],
  ['lte', '<='],
] as const;

interface Entry {
  readonly key: string;
  readonly value: string;
}

/**
 * What dynalite stores, in one SQLite file. A section has the items of a table, the entries of an index, the tags of a
 * table, or the descriptions of all tables. Every function of a section calls back before it returns, so a whole write of
 * dynalite can be one transaction.
 */
export class Entries {
  readonly #db: DatabaseSync;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #clear: StatementSync;
  readonly #selects = new Map<string, StatementSync>();
  readonly #sections = new Map<string, Section>();

  /** The file is `dynamodb.sqlite` in `directory`. */
  constructor(directory: string) {
    this.#db = openDatabase(join(directory, 'dynamodb.sqlite'), SCHEMA);
    this.#get = this.#db.prepare('SELECT value FROM entries WHERE section = ? AND key = ?');
    this.#put = this.#db.prepare(
      'INSERT INTO entries (section, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    );
    this.#delete = this.#db.prepare('DELETE FROM entries WHERE section = ? AND key = ?');
    this.#clear = this.#db.prepare('DELETE FROM entries WHERE section = ?');
  }

  /** Runs `change` as one transaction: all its writes are stored, or none if it throws. */
  inTransaction<T>(change: () => T): T {
    return inTransaction(this.#db, change);
  }

  section(name: string): Section {
    const known = this.#sections.get(name);
    if (known !== undefined) return known;
    const section = this.#newSection(name);
    this.#sections.set(name, section);
    return section;
  }

  /** Deletes all entries of a section. */
  clear(name: string): void {
    this.#clear.run(name);
  }

  close(): void {
    this.#db.close();
  }

  #newSection(name: string): Section {
    const put = (key: string, value: unknown) => void this.#put.run(name, key, JSON.stringify(value));
    const del = (key: string) => void this.#delete.run(name, key);
    const answer = <T>(done: Done<T>, act: () => T) => this.#callBack(done, act);
    return {
      get: (key, done) => answer(done, () => this.#valueOf(name, key)),
      put: (key, value, done) => answer(done, () => put(key, value)),
      del: (key, done) => answer(done, () => del(key)),
      batch: (changes, done) =>
        answer(done, () => {
          for (const { type, key, value } of changes) {
            if (type === 'del') del(key);
            else put(key, value);
          }
        }),
      createKeyStream: (range = {}) => streamOf(this.#entries(name, range), ({ key }) => key),
      createValueStream: (range = {}) =>
        streamOf(this.#entries(name, range), ({ value }) => JSON.parse(value)),
      lock: (_key, whenLocked) => whenLocked((done) => done), // what runs with a lock waits for nothing
    };
  }

  #callBack<T>(done: Done<T>, act: () => T): void {
    let outcome: T;
    try {
      // Dynalite's timers may fire after the end. It expects this message then.
      if (!this.#db.isOpen) throw new Error('Database is closed');
      outcome = act();
    } catch (error) {
      done(error);
      return;
    }
    done(null, outcome);
  }

  #valueOf(section: string, key: string): unknown {
    const row = this.#get.get(section, key);
    return row && JSON.parse(String(row.value));
  }

  /** Yields the entries of a range in its order. Entries that change meanwhile may be the old or the new ones. */
  *#entries(section: string, range: KeyRange): Generator<Entry> {
    const { limit = -1, reverse } = range;
    let left = limit < 0 ? Number.POSITIVE_INFINITY : limit;
    let rest = range;
    while (left > 0) {
      const size = Math.min(left, PAGE);
      const page = this.#page(section, rest, size);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < size) return;
      left -= size;
      rest = reverse ? { ...rest, lt: last.key, lte: undefined } : { ...rest, gt: last.key, gte: undefined };
    }
  }

  #page(section: string, range: KeyRange, size: number): Entry[] {
    const bounds = BOUNDS.flatMap(([name, operator]) => {
      const key = range[name];
      return key === undefined ? [] : [{ condition: ` AND key ${operator} ?`, key }];
    });
    const conditions = bounds.map(({ condition }) => condition).join('');
    const order = range.reverse ? 'DESC' : 'ASC';
    const sql = `SELECT key, value FROM entries WHERE section = ?${conditions} ORDER BY key ${order} LIMIT ?`;
    const rows = this.#select(sql).all(section, ...bounds.map(({ key }) => key), size);
    return rows.map(({ key, value }) => ({ key: String(key), value: String(value) }));
  }

  #select(sql: string): StatementSync {
    const known = this.#selects.get(sql);
    if (known !== undefined) return known;
    const prepared = this.#db.prepare(sql);
    this.#selects.set(sql, prepared);
    return prepared;
  }
}

/** Returns a stream that takes an entry when it is asked for one. */
function streamOf<T>(entries: Generator<Entry>, part: (entry: Entry) => T): Readable {
  return new Readable({
    objectMode: true,
    read() {
      const { value, done } = entries.next();
      this.push(done ? null : part(value));
    },
  });
}
