import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { openDatabase } from '../../sqlite.ts';

// Keys are stored as bytes, because S3 lists keys in the order of their UTF-8 bytes. SQLite orders blobs in this way,
// but JavaScript orders strings differently. Times are whole seconds, as in S3; sizes are bytes.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS bucket (
    name TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    versioning TEXT NOT NULL CHECK (versioning IN ('Never', 'Enabled', 'Suspended')),
    event_bridge INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO counter VALUES (1, 0);
  CREATE TABLE IF NOT EXISTS version (
    seq INTEGER PRIMARY KEY,
    bucket TEXT NOT NULL,
    key BLOB NOT NULL,
    version_id TEXT NOT NULL,
    delete_marker INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    headers TEXT NOT NULL,
    checksum TEXT
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS version_newest_first ON version (bucket, key, seq DESC);
  CREATE UNIQUE INDEX IF NOT EXISTS version_by_id ON version (bucket, key, version_id);
  CREATE TABLE IF NOT EXISTS piece (
    version INTEGER NOT NULL REFERENCES version (seq) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (version, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS upload (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    key BLOB NOT NULL,
    initiated INTEGER NOT NULL,
    headers TEXT NOT NULL,
    checksum_algorithm TEXT,
    checksum_type TEXT
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS upload_by_key ON upload (bucket, key, seq);
  CREATE TABLE IF NOT EXISTS part (
    upload TEXT NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified INTEGER NOT NULL,
    checksum TEXT,
    PRIMARY KEY (upload, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
`;

/** Opens the metadata database at `path`, creating it if missing. */
export function openMetadata(path: string): DatabaseSync {
  return openDatabase(path, SCHEMA, 'PRAGMA foreign_keys = ON;');
}

export type Row = Readonly<Record<string, SQLOutputValue>>;

const wrong = (column: string): Error => new Error(`The S3 metadata holds an unexpected value in ${column}.`);

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw wrong(column);
  return value;
}

export function optionalTextOf(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : textOf(row, column);
}

export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw wrong(column);
  return value;
}

export function bytesOf(row: Row, column: string): Buffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw wrong(column);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
