import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { nextNumber } from '../database.ts';
import { seededHex } from '../faults/seeded-random.ts';

/** A file of the API. Times are in milliseconds since the epoch, by the server's clock. */
export interface StoredFile {
  readonly id: string;
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: number;
  readonly createdMs: number;
  readonly expiresMs: number | null;
}

/**
 * File objects in the database, with their contents in a folder. New content is written to a temporary file, which is
 * then renamed.
 */
export class FileStore {
  readonly #database: DatabaseSync;
  readonly #contents: string;
  readonly #incoming: string;
  readonly #seed: number;

  constructor(database: DatabaseSync, directory: string, seed: number) {
    this.#database = database;
    this.#seed = seed;
    this.#contents = join(directory, 'files');
    this.#incoming = join(directory, 'incoming');
    rmSync(this.#incoming, { recursive: true, force: true }); // incomplete files of a killed server
    mkdirSync(this.#incoming, { recursive: true });
    mkdirSync(this.#contents, { recursive: true });
  }

  /** Returns a path for content that is being written. A restart deletes such files. */
  incomingPath(): string {
    return join(this.#incoming, randomUUID());
  }

  contentPath(id: string): string {
    return join(this.#contents, id);
  }

  /**
   * Stores complete content. Call this within a transaction. If the process is killed before the commit, the content
   * belongs to no file and is deleted at the next start.
   */
  add(path: string, file: Omit<StoredFile, 'id'>): StoredFile {
    const id = `file-${seededHex(`${this.#seed}/file/${nextNumber(this.#database, 'file')}`, 22)}`;
    renameSync(path, this.contentPath(id));
    this.#database
      .prepare(
        'INSERT INTO files (id, filename, purpose, bytes, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(id, file.filename, file.purpose, file.bytes, file.createdMs, file.expiresMs);
    return { id, ...file };
  }

  /** Returns the file; undefined if it never existed, is deleted, or has expired by `now`. */
  find(id: string, now: number): StoredFile | undefined {
    const row = this.#database
      .prepare('SELECT * FROM files WHERE id = ? AND deleted = 0 AND (expires_ms IS NULL OR expires_ms > ?)')
      .get(id, now);
    return row === undefined ? undefined : storedFile(row);
  }

  /** Returns at most `limit` files of a purpose (null: any) after the file `after`, by creation time. */
  list(query: {
    now: number;
    purpose: string | null;
    after: string | null;
    order: 'asc' | 'desc';
    limit: number;
  }): StoredFile[] {
    const newestFirst = query.order === 'desc';
    const rows = this.#database
      .prepare(
        `SELECT * FROM files WHERE deleted = 0 AND (expires_ms IS NULL OR expires_ms > $now)
          AND ($purpose IS NULL OR purpose = $purpose)
          AND ($after IS NULL OR n ${newestFirst ? '<' : '>'} (SELECT n FROM files WHERE id = $after))
          ORDER BY n ${newestFirst ? 'DESC' : 'ASC'} LIMIT $limit`,
      )
      .all({
        $now: query.now,
        $purpose: query.purpose,
        $after: query.after,
        $limit: query.limit,
      });
    return rows.map(storedFile);
  }

  markDeleted(id: string): void {
    this.#database.prepare('UPDATE files SET deleted = 1 WHERE id = ?').run(id);
  }

  /** Returns the creation time (milliseconds) of the `count`-th newest upload, if there is one. */
  uploadedOf(count: number): number | undefined {
    const row = this.#database
      .prepare(
        `SELECT created_ms FROM files WHERE purpose <> 'batch_output' ORDER BY created_ms DESC LIMIT 1 OFFSET ?`,
      )
      .get(count - 1);
    return row === undefined ? undefined : Number(row.created_ms);
  }

  /** Deletes the content of a deleted file, unless a batch still reads it. */
  release(id: string, now: number, isRead: (id: string) => boolean): void {
    if (this.find(id, now) === undefined && !isRead(id)) rmSync(this.contentPath(id), { force: true });
  }

  /** Deletes the contents of expired files, and contents that belong to no file after a kill. */
  sweep(now: number, isRead: (id: string) => boolean): void {
    for (const id of readdirSync(this.#contents)) this.release(id, now, isRead);
  }
}

function storedFile(row: Record<string, unknown>): StoredFile {
  return {
    id: String(row.id),
    filename: String(row.filename),
    purpose: String(row.purpose),
    bytes: Number(row.bytes),
    createdMs: Number(row.created_ms),
    expiresMs: row.expires_ms === null ? null : Number(row.expires_ms),
  };
}

/** Returns the file as the API shows it. */
export function fileOnTheWire(file: StoredFile): object {
  return {
    id: file.id,
    object: 'file',
    bytes: file.bytes,
    created_at: Math.floor(file.createdMs / 1_000),
    expires_at: file.expiresMs === null ? null : Math.floor(file.expiresMs / 1_000),
    filename: file.filename,
    purpose: file.purpose,
    status: 'processed',
    status_details: null,
  };
}
