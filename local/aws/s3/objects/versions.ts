import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bytesOf, numberOf, optionalTextOf, type Row, textOf } from '../database.ts';
import type { Checksum } from '../wire/checksums.ts';
import type { Piece } from './data-files.ts';

/** One version of an object, or a delete marker. */
export interface ObjectVersion {
  /** Increases with every version and upload in the engine, so it shows which of two versions is newer. */
  readonly seq: number;
  readonly bucket: string;
  readonly key: Buffer;
  /** The text `null` for an object that was written while the bucket was not versioned. */
  readonly versionId: string;
  readonly deleteMarker: boolean;
  /** Seconds since the epoch. */
  readonly modified: number;
  /** Bytes. */
  readonly size: number;
  /** Without quotes; empty for a delete marker. */
  readonly etag: string;
  /** Headers to return with the content: content-type and similar ones, x-amz-meta-*; and the tags (`tags.ts`). Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum: Checksum | undefined;
}

const versionOf = (row: Row): ObjectVersion => {
  const checksum = optionalTextOf(row, 'checksum');
  return {
    seq: numberOf(row, 'seq'),
    bucket: textOf(row, 'bucket'),
    key: bytesOf(row, 'key'),
    versionId: textOf(row, 'version_id'),
    deleteMarker: numberOf(row, 'delete_marker') === 1,
    modified: numberOf(row, 'modified'),
    size: numberOf(row, 'size'),
    etag: textOf(row, 'etag'),
    headers: JSON.parse(textOf(row, 'headers')),
    checksum: checksum === undefined ? undefined : JSON.parse(checksum),
  };
};

/** The versions of all objects, and the data files with their content. */
export class Versions {
  readonly #insert: StatementSync;
  readonly #insertPiece: StatementSync;
  readonly #newest: StatementSync;
  readonly #byId: StatementSync;
  readonly #pieces: StatementSync;
  readonly #delete: StatementSync;
  readonly #replaceHeaders: StatementSync;
  readonly #current: StatementSync;
  readonly #all: StatementSync;
  readonly #older: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(`
      INSERT INTO version (seq, bucket, key, version_id, delete_marker, modified, size, etag, headers, checksum)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#insertPiece = database.prepare('INSERT INTO piece VALUES (?, ?, ?, ?)');
    this.#newest = database.prepare(
      'SELECT * FROM version WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1',
    );
    this.#byId = database.prepare('SELECT * FROM version WHERE bucket = ? AND key = ? AND version_id = ?');
    this.#pieces = database.prepare('SELECT file, size FROM piece WHERE version = ? ORDER BY position');
    this.#delete = database.prepare('DELETE FROM version WHERE seq = ?');
    this.#replaceHeaders = database.prepare('UPDATE version SET headers = ? WHERE seq = ?');
    this.#current = database.prepare(`
      SELECT * FROM version AS v WHERE bucket = ? AND key >= ? AND delete_marker = 0 AND seq =
        (SELECT max(seq) FROM version AS w WHERE w.bucket = v.bucket AND w.key = v.key)
      ORDER BY key`);
    this.#all = database.prepare(
      'SELECT * FROM version WHERE bucket = ? AND key >= ? ORDER BY key, seq DESC',
    );
    this.#older = database.prepare(
      'SELECT * FROM version WHERE bucket = ? AND key = ? AND seq < ? ORDER BY seq DESC',
    );
  }

  insert(version: ObjectVersion, pieces: readonly Piece[]): void {
    this.#insert.run(
      version.seq,
      version.bucket,
      version.key,
      version.versionId,
      version.deleteMarker ? 1 : 0,
      version.modified,
      version.size,
      version.etag,
      JSON.stringify(version.headers),
      version.checksum === undefined ? null : JSON.stringify(version.checksum),
    );
    for (const [position, piece] of pieces.entries()) {
      this.#insertPiece.run(version.seq, position, piece.file, piece.size);
    }
  }

  /** Deletes a version. Returns the data files that can be removed after the commit. */
  delete(version: ObjectVersion): string[] {
    const files = this.pieces(version).map((piece) => piece.file);
    this.#delete.run(version.seq);
    return files;
  }

  replaceHeaders(version: ObjectVersion, headers: ObjectVersion['headers']): void {
    this.#replaceHeaders.run(JSON.stringify(headers), version.seq);
  }

  /** Returns the newest version of a key, which may be a delete marker. */
  newest(bucket: string, key: Buffer): ObjectVersion | undefined {
    const row = this.#newest.get(bucket, key);
    return row && versionOf(row);
  }

  byId(bucket: string, key: Buffer, versionId: string): ObjectVersion | undefined {
    const row = this.#byId.get(bucket, key, versionId);
    return row && versionOf(row);
  }

  pieces(version: ObjectVersion): Piece[] {
    return this.#pieces
      .all(version.seq)
      .map((row) => ({ file: textOf(row, 'file'), size: numberOf(row, 'size') }));
  }

  /** Yields what a plain listing contains from the key `start` on: one version per key, no delete markers. */
  *currentFrom(bucket: string, start: Buffer): Generator<ObjectVersion> {
    for (const row of this.#current.iterate(bucket, start)) yield versionOf(row);
  }

  /** Yields all versions and delete markers from the key `start` on. Those of one key are sorted newest first. */
  *allFrom(bucket: string, start: Buffer): Generator<ObjectVersion> {
    for (const row of this.#all.iterate(bucket, start)) yield versionOf(row);
  }

  /** Yields the versions of one key that are older than `seq`, newest first. */
  *olderThan(bucket: string, key: Buffer, seq: number): Generator<ObjectVersion> {
    for (const row of this.#older.iterate(bucket, key, seq)) yield versionOf(row);
  }
}
