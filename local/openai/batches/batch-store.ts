import type { DatabaseSync } from 'node:sqlite';
import type { BatchRecord, BatchStatus } from './batch-record.ts';

const OPEN: readonly BatchStatus[] = ['validating', 'in_progress', 'finalizing', 'cancelling'];
const IS_OPEN = `status IN (${OPEN.map((status) => `'${status}'`).join(', ')})`;

/** The batches in the database. Each call is one statement; callers group calls with `inTransaction`. */
export class BatchStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  insert(batch: BatchRecord): void {
    this.#database
      .prepare('INSERT INTO batches (id, input_file_id, created_ms, status, record) VALUES (?, ?, ?, ?, ?)')
      .run(batch.id, batch.inputFileId, batch.createdMs, batch.status, JSON.stringify(batch));
  }

  save(batch: BatchRecord): void {
    this.#database
      .prepare('UPDATE batches SET status = ?, model = ?, enqueued_tokens = ?, record = ? WHERE id = ?')
      .run(batch.status, batch.model, batch.enqueuedTokens, JSON.stringify(batch), batch.id);
  }

  find(id: string): BatchRecord | undefined {
    const row = this.#database.prepare('SELECT record FROM batches WHERE id = ?').get(id);
    return row === undefined ? undefined : parse(row.record);
  }

  /**
   * Returns at most `limit` batches created by `createdBy` (milliseconds), newest first, after the batch `after`, which
   * must exist.
   */
  newestFirst(limit: number, after: string | null, createdBy: number): BatchRecord[] {
    const rows =
      after === null
        ? this.#database
            .prepare('SELECT record FROM batches WHERE created_ms <= ? ORDER BY n DESC LIMIT ?')
            .all(createdBy, limit)
        : this.#database
            .prepare(
              `SELECT record FROM batches WHERE created_ms <= ? AND n < (SELECT n FROM batches WHERE id = ?)
               ORDER BY n DESC LIMIT ?`,
            )
            .all(createdBy, after, limit);
    return rows.map((row) => parse(row.record));
  }

  /** Returns the batches that have not ended, oldest first. */
  open(): BatchRecord[] {
    const rows = this.#database.prepare(`SELECT record FROM batches WHERE ${IS_OPEN} ORDER BY n`).all();
    return rows.map((row) => parse(row.record));
  }

  /** Returns whether a batch that has not ended uses this file. */
  readsFile(fileId: string): boolean {
    const found = this.#database.prepare(`SELECT 1 FROM batches WHERE input_file_id = ? AND ${IS_OPEN}`);
    return found.get(fileId) !== undefined;
  }

  /** Returns the creation time (milliseconds) of the `count`-th newest batch, if there is one. */
  createdOf(count: number): number | undefined {
    const row = this.#database
      .prepare('SELECT created_ms FROM batches ORDER BY created_ms DESC LIMIT 1 OFFSET ?')
      .get(count - 1);
    return row === undefined ? undefined : Number(row.created_ms);
  }

  /** Returns the prompt tokens of the model's batches that have not ended. */
  enqueuedTokens(model: string): number {
    const row = this.#database
      .prepare(`SELECT SUM(enqueued_tokens) AS tokens FROM batches WHERE model = ? AND ${IS_OPEN}`)
      .get(model);
    return Number(row?.tokens ?? 0);
  }

  saveFailedRanks(id: string, ranks: Uint32Array): void {
    const bytes = new Uint8Array(ranks.buffer, ranks.byteOffset, ranks.byteLength);
    this.#database.prepare('UPDATE batches SET failed_ranks = ? WHERE id = ?').run(bytes, id);
  }

  /** Returns the ranks of the rows that will fail, sorted. */
  failedRanks(id: string): Uint32Array {
    const row = this.#database.prepare('SELECT failed_ranks FROM batches WHERE id = ?').get(id);
    const bytes = row?.failed_ranks;
    if (!(bytes instanceof Uint8Array)) return new Uint32Array();
    return new Uint32Array(bytes.slice().buffer);
  }

  /** Returns how many of the batch's succeeded rows have been billed, in order of rank. */
  billedRows(id: string): number {
    const row = this.#database.prepare('SELECT billed_rows FROM batches WHERE id = ?').get(id);
    return Number(row?.billed_rows ?? 0);
  }

  addBilledRows(id: string, count: number): void {
    this.#database.prepare('UPDATE batches SET billed_rows = billed_rows + ? WHERE id = ?').run(count, id);
  }
}

function parse(record: unknown): BatchRecord {
  const batch: BatchRecord = JSON.parse(String(record));
  return batch;
}
