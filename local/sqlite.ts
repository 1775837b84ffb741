import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The log's size, 16 MB, at which it is copied to the file. That waits for the disk. By default, SQLite does it four times as often. */
const LOG_PAGES = 4_000;

/**
 * Opens the database file `path`, creating it and its folder if missing, and runs `schema`; `pragmas` run first.
 * Committed changes survive a kill of the process. A power failure may lose the last commits.
 */
export function openDatabase(path: string, schema: string, pragmas = ''): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  try {
    database.exec(
      `${pragmas} PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${LOG_PAGES}; ${schema}`,
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs `change` as one transaction: all its writes are committed, or none if it throws. */
export function inTransaction<T>(database: DatabaseSync, change: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const outcome = change();
    database.exec('COMMIT');
    return outcome;
  } catch (error) {
    // SQLite has already rolled back after some failures, such as a full disk. A second rollback would hide the reason.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
