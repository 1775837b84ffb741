import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bytesOf, numberOf, optionalTextOf, type Row, textOf } from '../database.ts';
import { noSuchUpload } from '../errors.ts';
import { type ChecksumAlgorithm, type ChecksumType, checksumAlgorithm } from '../wire/checksums.ts';

/** An open multipart upload. */
export interface Upload {
  readonly id: string;
  readonly seq: number;
  readonly bucket: string;
  readonly key: Buffer;
  /** Seconds since the epoch. */
  readonly initiated: number;
  /** As in ObjectVersion. */
  readonly headers: Readonly<Record<string, string>>;
  /** Kind of the object's checksum, if one was requested. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } | undefined;
}

export interface Part {
  readonly number: number;
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  /** Seconds since the epoch. */
  readonly modified: number;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
}

const uploadOf = (row: Row): Upload => {
  const algorithm = optionalTextOf(row, 'checksum_algorithm');
  return {
    id: textOf(row, 'id'),
    seq: numberOf(row, 'seq'),
    bucket: textOf(row, 'bucket'),
    key: bytesOf(row, 'key'),
    initiated: numberOf(row, 'initiated'),
    headers: JSON.parse(textOf(row, 'headers')),
    checksum: algorithm === undefined ? undefined : checksumOf(algorithm, textOf(row, 'checksum_type')),
  };
};

const checksumOf = (algorithm: string, type: string): NonNullable<Upload['checksum']> => ({
  algorithm: checksumAlgorithm(algorithm),
  type: type === 'COMPOSITE' ? 'COMPOSITE' : 'FULL_OBJECT',
});

const partOf = (row: Row): Part => {
  const checksum = optionalTextOf(row, 'checksum');
  return {
    number: numberOf(row, 'number'),
    file: textOf(row, 'file'),
    size: numberOf(row, 'size'),
    etag: textOf(row, 'etag'),
    modified: numberOf(row, 'modified'),
    checksum: checksum === undefined ? undefined : JSON.parse(checksum),
  };
};

/** The open multipart uploads and their parts. */
export class Uploads {
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #delete: StatementSync;
  readonly #from: StatementSync;
  readonly #savePart: StatementSync;
  readonly #part: StatementSync;
  readonly #parts: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#find = database.prepare('SELECT * FROM upload WHERE id = ? AND bucket = ? AND key = ?');
    this.#delete = database.prepare('DELETE FROM upload WHERE id = ?');
    this.#from = database.prepare('SELECT * FROM upload WHERE bucket = ? AND key >= ? ORDER BY key, seq');
    this.#savePart = database.prepare('INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#part = database.prepare('SELECT * FROM part WHERE upload = ? AND number = ?');
    this.#parts = database.prepare('SELECT * FROM part WHERE upload = ? ORDER BY number');
  }

  insert(upload: Upload): void {
    this.#insert.run(
      upload.id,
      upload.seq,
      upload.bucket,
      upload.key,
      upload.initiated,
      JSON.stringify(upload.headers),
      upload.checksum?.algorithm ?? null,
      upload.checksum?.type ?? null,
    );
  }

  /** Returns the upload with this id and key. Throws `NoSuchUpload` if there is none. */
  get(id: string, bucket: string, key: Buffer): Upload {
    const row = this.#find.get(id, bucket, key);
    if (row === undefined) throw noSuchUpload(id);
    return uploadOf(row);
  }

  /** Deletes an upload and its parts. */
  delete(upload: Upload): void {
    this.#delete.run(upload.id);
  }

  /** Yields the uploads to a bucket from the key `start` on. Those of one key are sorted oldest first. */
  *from(bucket: string, start: Buffer): Generator<Upload> {
    for (const row of this.#from.iterate(bucket, start)) yield uploadOf(row);
  }

  /** Saves a part. If it replaces a part with the same number, returns that part's data file. */
  savePart(upload: Upload, part: Part): string | undefined {
    const replaced = this.#part.get(upload.id, part.number);
    const { number, file, size, etag, modified, checksum } = part;
    const checksumText = checksum === undefined ? null : JSON.stringify(checksum);
    this.#savePart.run(upload.id, number, file, size, etag, modified, checksumText);
    return replaced && textOf(replaced, 'file');
  }

  /** Returns all parts, sorted by number. */
  parts(upload: Upload): Part[] {
    return this.#parts.all(upload.id).map(partOf);
  }
}
