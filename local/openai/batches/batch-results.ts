import { existsSync, rmSync } from 'node:fs';
import { inTransaction } from '../../sqlite.ts';
import type { ServerState } from '../state.ts';
import type { BatchRecord } from './batch-record.ts';
import { failingRowsOf } from './failing-rows.ts';
import { type ResultSummary, type SucceededRow, writeResults } from './result-files.ts';

/** The possible ends of a batch that ran. */
export type Ending = 'completed' | 'expired' | 'cancelled';

const OUTPUT_LIFETIME_MS = 30 * 24 * 3_600_000;

const EXPIRED = {
  code: 'batch_expired',
  message: 'This request could not be executed before the completion window expired.',
};
const CANCELLED = {
  code: 'batch_cancelled',
  message: 'This request was not executed because the batch was cancelled.',
};

/**
 * The results of one batch. Call `write` to write them to temporary files and to bill them, then `keep` or `discard`.
 */
export class BatchResults {
  readonly #state: ServerState;
  readonly #batch: BatchRecord;
  readonly #ending: Ending;
  readonly #outputPath: string;
  readonly #errorPath: string;
  #written: ResultSummary | null = null;

  constructor(state: ServerState, batch: BatchRecord, ending: Ending) {
    this.#state = state;
    this.#batch = batch;
    this.#ending = ending;
    this.#outputPath = state.files.incomingPath();
    this.#errorPath = state.files.incomingPath();
  }

  /**
   * Writes both files and bills every succeeded row, except those that the server had already billed before it was
   * killed.
   */
  async write(signal: AbortSignal): Promise<void> {
    const { files, batches, seed } = this.#state;
    const batch = this.#batch;
    let billedBefore = batches.billedRows(batch.id);
    const onSucceeded = (rows: readonly SucceededRow[]) => {
      const unbilled = rows.slice(billedBefore);
      billedBefore = Math.max(0, billedBefore - rows.length);
      if (unbilled.length > 0) this.#bill(unbilled);
    };
    const plan = {
      inputPath: files.contentPath(batch.inputFileId),
      outputPath: this.#outputPath,
      errorPath: this.#errorPath,
      endpoint: batch.endpoint,
      key: `${seed}/${batch.id}`,
      seed: String(seed),
      rows: batch.rows,
      ranRows: batch.ranRows ?? 0,
      failing: batch.failingRows && {
        status: batch.failingRows.status,
        rows: failingRowsOf(batch.failingRows, batch.rows, `${seed}/${batch.id}`),
      },
      isOdd: batch.oddRows,
      createdSeconds: Math.floor((batch.inProgressMs ?? batch.createdMs) / 1_000),
      unfinished: this.#ending === 'cancelled' ? CANCELLED : EXPIRED,
      onSucceeded,
    };
    this.#written = await writeResults(plan, signal);
  }

  /** Creates file objects for the written files, within the caller's transaction. An empty file gets none. */
  keep(now: number): Pick<BatchRecord, 'outputFileId' | 'errorFileId' | 'usage'> {
    return {
      outputFileId: this.#keepFile('output', this.#outputPath, this.#written?.outputBytes ?? 0, now),
      errorFileId: this.#keepFile('error', this.#errorPath, this.#written?.errorBytes ?? 0, now),
      usage: this.#written?.usage ?? null,
    };
  }

  /** Deletes the files that were not kept. */
  discard(): void {
    for (const path of [this.#outputPath, this.#errorPath]) rmSync(path, { force: true });
  }

  #bill(rows: readonly SucceededRow[]): void {
    const { audit, batches, clock, database } = this.#state;
    const { id: batchId, inputFileId } = this.#batch;
    inTransaction(database, () => {
      const now = clock.now();
      for (const row of rows) audit.record(now, { event: 'row.billed', batchId, inputFileId, ...row });
      batches.addBilledRows(batchId, rows.length);
    });
    audit.flush();
  }

  #keepFile(kind: 'output' | 'error', path: string, bytes: number, now: number): string | null {
    const isKept = bytes > 0 || (kind === 'error' && this.#state.profile.keepsEmptyErrorFile);
    if (!isKept || !existsSync(path)) return null;
    const { id, outputExpiresAfterSeconds } = this.#batch;
    const lifetime =
      outputExpiresAfterSeconds === null ? OUTPUT_LIFETIME_MS : outputExpiresAfterSeconds * 1_000;
    const filename = `${id}_${kind}.jsonl`;
    const file = { filename, purpose: 'batch_output', bytes, createdMs: now, expiresMs: now + lifetime };
    return this.#state.files.add(path, file).id;
  }
}
