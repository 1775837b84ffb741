import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../sqlite.ts';

const SQLITE_BUSY = 5;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS files (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    filename TEXT NOT NULL,
    purpose TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    deleted INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS batches (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    input_file_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    model TEXT,
    enqueued_tokens INTEGER NOT NULL DEFAULT 0,
    record TEXT NOT NULL,
    failed_ranks BLOB,
    billed_rows INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX IF NOT EXISTS batches_created ON batches (created_ms);
  CREATE INDEX IF NOT EXISTS batches_status ON batches (status);
  CREATE TABLE IF NOT EXISTS webhook_endpoints (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS webhook_deliveries (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint_id TEXT NOT NULL,
    record TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id);
  CREATE TABLE IF NOT EXISTS audit (n INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
`;

/**
 * Opens the server's database, creating it if missing. Throws if another server has it open, because two servers on one
 * directory would run every batch twice.
 */
export function openServerDatabase(directory: string): DatabaseSync {
  try {
    return openDatabase(join(directory, 'batch-api.sqlite'), SCHEMA, 'PRAGMA locking_mode = EXCLUSIVE;');
  } catch (cause) {
    if (isBusy(cause)) {
      throw new Error(
        `${directory} is in use by another server: stop it, or choose another directory with --directory`,
        { cause },
      );
    }
    if (!isSqlite(cause)) throw cause;
    const file = join(directory, 'batch-api.sqlite');
    throw new Error(
      `${file} cannot be used as the server's database: ${cause.message}; choose another directory with --directory`,
      { cause },
    );
  }
}

function isSqlite(cause: unknown): cause is Error & { errcode: number } {
  return cause instanceof Error && 'errcode' in cause;
}

/** Returns whether SQLite reports SQLITE_BUSY. The upper bytes of an error code are details. */
function isBusy(cause: unknown): boolean {
  return isSqlite(cause) && (cause.errcode & 0xff) === SQLITE_BUSY;
}

/** Returns the next number of a sequence that never repeats, even after a restart. */
export function nextNumber(database: DatabaseSync, name: string): number {
  const row = database
    .prepare(
      'INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value',
    )
    .get(name);
  return Number(row?.value);
}

/** Returns the number stored under `name`. If there is none, stores `value`. */
export function keptNumber(database: DatabaseSync, name: string, value: number): number {
  database.prepare('INSERT OR IGNORE INTO counters VALUES (?, ?)').run(name, value);
  return Number(database.prepare('SELECT value FROM counters WHERE name = ?').get(name)?.value);
}
