import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import { inTransaction } from '../../sqlite.ts';
import { Buckets } from './buckets.ts';
import { numberOf, openMetadata, textOf } from './database.ts';
import { Uploads } from './multipart/uploads.ts';
import { DataFiles } from './objects/data-files.ts';
import { Versions } from './objects/versions.ts';
import { type ObjectCreatedListener, Outbox } from './outbox.ts';

/** The engine's state: metadata in SQLite, content in files. */
export class S3Store {
  readonly buckets: Buckets;
  readonly versions: Versions;
  readonly uploads: Uploads;
  readonly files: DataFiles;
  readonly outbox: Outbox;
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #count: StatementSync;

  constructor(directory: string, clock: Clock, listener: ObjectCreatedListener | undefined) {
    this.#clock = clock;
    this.#database = openMetadata(join(directory, 'metadata.sqlite'));
    this.#count = this.#database.prepare('UPDATE counter SET value = value + 1 RETURNING value');
    this.buckets = new Buckets(this.#database);
    this.versions = new Versions(this.#database);
    this.uploads = new Uploads(this.#database);
    this.outbox = new Outbox(this.#database, clock, listener);
    this.files = new DataFiles(join(directory, 'data'));
    this.#sweepFiles();
  }

  /**
   * Commits all changes of `work`, or none if it throws. The files that `work` adds to `unneeded` are removed after the
   * commit. A process that is killed in between leaves an unneeded file, which the next start removes, but never a
   * missing one.
   */
  transaction<Answer>(work: (unneeded: string[]) => Answer): Answer {
    const unneeded: string[] = [];
    const answer = inTransaction(this.#database, () => work(unneeded));
    this.files.remove(unneeded);
    return answer;
  }

  /** Returns the next number of the engine's sequence. */
  nextSeq(): number {
    const row = this.#count.get();
    if (row === undefined) throw new Error('The S3 metadata has lost its counter.');
    return numberOf(row, 'value');
  }

  /** Returns seconds since the epoch. S3 reports whole seconds. */
  nowSeconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  async close(): Promise<void> {
    await this.outbox.close();
    this.#database.close();
  }

  #sweepFiles(): void {
    const rows = this.#database.prepare('SELECT file FROM piece UNION ALL SELECT file FROM part').iterate();
    const named = new Set<string>();
    for (const row of rows) named.add(textOf(row, 'file'));
    this.files.sweep((file) => named.has(file));
  }
}
