import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { numberOf, type Row, textOf } from './database.ts';
import { noSuchBucket } from './errors.ts';

export interface Bucket {
  readonly name: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly versioning: 'Never' | 'Enabled' | 'Suspended';
  readonly eventBridge: boolean;
}

const bucketOf = (row: Row): Bucket => {
  const versioning = textOf(row, 'versioning');
  return {
    name: textOf(row, 'name'),
    created: numberOf(row, 'created'),
    versioning: versioning === 'Enabled' || versioning === 'Suspended' ? versioning : 'Never',
    eventBridge: numberOf(row, 'event_bridge') === 1,
  };
};

/** The buckets of the local account. */
export class Buckets {
  readonly #save: StatementSync;
  readonly #find: StatementSync;
  readonly #list: StatementSync;
  readonly #delete: StatementSync;
  readonly #content: StatementSync;

  constructor(database: DatabaseSync) {
    // Versioning that was turned on can only be suspended. Existing versions remain.
    this.#save = database.prepare(`
      INSERT INTO bucket (name, created, versioning, event_bridge)
      VALUES (:name, :created, CASE WHEN :versioned THEN 'Enabled' ELSE 'Never' END, :eventBridge)
      ON CONFLICT (name) DO UPDATE SET event_bridge = :eventBridge, versioning = CASE
        WHEN :versioned THEN 'Enabled' WHEN versioning = 'Never' THEN 'Never' ELSE 'Suspended' END`);
    this.#find = database.prepare('SELECT * FROM bucket WHERE name = ?');
    this.#delete = database.prepare('DELETE FROM bucket WHERE name = ?');
    this.#content = database.prepare(
      'SELECT 1 FROM version WHERE bucket = :name UNION ALL SELECT 1 FROM upload WHERE bucket = :name LIMIT 1',
    );
    this.#list = database.prepare('SELECT * FROM bucket WHERE name >= ? ORDER BY name');
  }

  save(bucket: { name: string; created: number; versioned: boolean; eventBridge: boolean }): void {
    this.#save.run({
      name: bucket.name,
      created: bucket.created,
      versioned: bucket.versioned ? 1 : 0,
      eventBridge: bucket.eventBridge ? 1 : 0,
    });
  }

  /** Returns whether the bucket has no version, no delete marker and no upload. */
  isEmpty(name: string): boolean {
    return this.#content.get({ name }) === undefined;
  }

  delete(name: string): void {
    this.#delete.run(name);
  }

  /** Returns the bucket with this name. Throws `NoSuchBucket` if there is none. */
  get(name: string): Bucket {
    const row = this.#find.get(name);
    if (row === undefined) throw noSuchBucket(name);
    return bucketOf(row);
  }

  /** Returns all buckets with the prefix, sorted by name. */
  list(prefix: string): Bucket[] {
    return this.#list
      .all(prefix)
      .map(bucketOf)
      .filter((bucket) => bucket.name.startsWith(prefix));
  }
}
