/**
 * The life cycle of a batch: validating → in_progress → finalizing → completed, or another terminal status.
 *
 * 1. At the end of `validating` the input file is read. If it is invalid or deleted, the batch ends as `failed`.
 * 2. `in_progress` lasts until all rows have run or the completion window is over. The number of rows that have run is
 *    computed from the time and never counted, so a kill loses nothing.
 * 3. `finalizing` writes the result files and ends as `completed`, or as `expired` if rows remain.
 * 4. `cancelling` writes the results of the rows that ran and ends as `cancelled`. A cancel during `finalizing` is too
 *    late: the batch ends as it would have without it.
 *
 * A step reads the batch, works, and changes the batch in one transaction, unless a cancel has changed the batch
 * meanwhile. So each step can be repeated after a kill. Steps run one after the other, so that only one file is in
 * memory at a time.
 */

import { inTransaction } from '../../sqlite.ts';
import { ApiError } from '../api-error.ts';
import { ORGANIZATION } from '../limits.ts';
import type { ServerState } from '../state.ts';
import { durationOf, type Timing } from '../timing.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import {
  type BatchProblem,
  type BatchRecord,
  countsAfter,
  endsAtOnce,
  type RowCounts,
  rowsRunAt,
} from './batch-record.ts';
import { BatchResults, type Ending } from './batch-results.ts';
import { failingRowsOf } from './failing-rows.ts';
import { type ValidInput, validateInput } from './input-validation.ts';
import { rowsByRank } from './result-files.ts';

const RETRY_MS = 10_000; // after a failed step, for example with a full disk

export class Lifecycle {
  readonly #state: ServerState;
  readonly #webhooks: Pick<Webhooks, 'noteEnd'>;
  readonly #timers = new Map<string, () => void>();
  readonly #closing = new AbortController();
  #steps: Promise<void> = Promise.resolve();

  constructor(state: ServerState, webhooks: Pick<Webhooks, 'noteEnd'>) {
    this.#state = state;
    this.#webhooks = webhooks;
    for (const batch of state.batches.open()) this.arm(batch);
  }

  /** Schedules the batch's next step. */
  arm(batch: BatchRecord): void {
    this.#timers.get(batch.id)?.();
    this.#timers.delete(batch.id);
    if (batch.dueMs !== null) this.#armAt(batch.id, batch.dueMs);
  }

  /** Returns the duration of a status of the batch, in ms. */
  duration(status: keyof Timing, batch: Pick<BatchRecord, 'id' | 'rows' | 'webhookFaults'>): number {
    if (endsAtOnce(batch)) return 0;
    return durationOf(this.#state.timing, status, this.#state.seed, batch);
  }

  countsNow(batch: BatchRecord): RowCounts {
    if (batch.status !== 'in_progress') return batch.counts;
    return this.#countsOf(batch, rowsRunAt(batch, this.#state.clock.now()));
  }

  /** Cancels a batch if that is still possible. Throws `ApiError` 404 or 409. */
  cancel(id: string): BatchRecord {
    const { batches, audit, clock, database } = this.#state;
    const batch = batches.find(id);
    if (batch === undefined) throw new ApiError(404, `No batch found with id '${id}'.`);
    if (batch.status === 'completed' || batch.status === 'failed' || batch.status === 'expired') {
      throw new ApiError(409, `Cannot cancel a batch with status '${batch.status}'.`);
    }
    const now = clock.now();
    const cancelled = batch.cancellingMs === null ? this.#cancelling(batch, now) : batch;
    inTransaction(database, () => {
      batches.save(cancelled);
      audit.record(now, { event: 'batch.cancel_requested', batchId: id, status: batch.status });
    });
    audit.flush();
    this.arm(cancelled);
    return cancelled;
  }

  /** Stops all steps. The next server continues them. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const disarm of this.#timers.values()) disarm();
    this.#timers.clear();
    await this.#steps;
  }

  #armAt(id: string, time: number): void {
    const disarm = this.#state.clock.at(time, () => {
      this.#timers.delete(id);
      this.#steps = this.#steps.then(() => this.#stepOrRetry(id));
    });
    this.#timers.set(id, disarm);
  }

  async #stepOrRetry(id: string): Promise<void> {
    try {
      if (!this.#closing.signal.aborted) await this.#step(id);
    } catch (cause) {
      if (this.#closing.signal.aborted) return;
      const reason = cause instanceof Error ? cause.message : String(cause);
      process.stderr.write(`${JSON.stringify({ code: 'batch_step_failed', batchId: id, reason })}\n`);
      this.#armAt(id, this.#state.clock.now() + RETRY_MS);
    }
  }

  async #step(id: string): Promise<void> {
    const batch = this.#state.batches.find(id);
    if (batch?.status === 'validating') return await this.#validate(batch);
    if (batch?.status === 'in_progress') return this.#finalize(batch);
    if (batch?.status === 'finalizing' || batch?.status === 'cancelling') return await this.#end(batch);
  }

  async #validate(batch: BatchRecord): Promise<void> {
    const { files, limits, models, clock } = this.#state;
    const isThere = () => files.find(batch.inputFileId, clock.now()) !== undefined;
    const validation = isThere()
      ? await validateInput(files.contentPath(batch.inputFileId), batch.endpoint, limits, models)
      : { problems: [] };
    if (!this.#unchanged(batch)) return;
    if (!isThere()) {
      const message = 'The input file does not exist anymore.';
      this.#fail(batch, [{ code: 'file_not_found', message, param: 'input_file_id', line: null }]);
    } else if ('problems' in validation) {
      this.#fail(batch, validation.problems);
    } else if (batch.behavior === 'token-limit' || this.#exceedsTokens(validation.valid)) {
      this.#fail(batch, [tokenLimitExceeded(validation.valid.model, limits.enqueuedTokens)]);
    } else {
      this.#begin(batch, validation.valid);
    }
  }

  #exceedsTokens({ model, promptTokens }: ValidInput): boolean {
    return this.#state.batches.enqueuedTokens(model) + promptTokens > this.#state.limits.enqueuedTokens;
  }

  #fail(batch: BatchRecord, problems: readonly BatchProblem[]): void {
    const { clock, database } = this.#state;
    inTransaction(database, () => {
      this.#enter({ ...batch, status: 'failed', failedMs: clock.now(), dueMs: null, problems });
    });
    this.#releaseInput(batch);
  }

  #begin(batch: BatchRecord, input: ValidInput): void {
    const { batches, clock, database, seed } = this.#state;
    const now = clock.now();
    const usualMs = this.duration('inProgress', { ...batch, rows: input.rows });
    const workMs = batch.behavior === 'expire' ? Math.max(usualMs, 2 * (batch.expiresMs - now)) : usualMs;
    const key = `${seed}/${batch.id}`;
    const demanded = batch.failingRows ? failingRowsOf(batch.failingRows, input.rows, key) : [];
    const failing = new Set([...input.failingRows, ...demanded]);
    const ranks = [...rowsByRank(input.rows, key)].flatMap((row, rank) => (failing.has(row) ? [rank] : []));
    inTransaction(database, () => {
      batches.saveFailedRanks(batch.id, Uint32Array.from(ranks));
      this.#enter({
        ...batch,
        status: 'in_progress',
        inProgressMs: now,
        dueMs: Math.min(now + workMs, batch.expiresMs),
        workMs,
        model: input.model,
        rows: input.rows,
        counts: { total: input.rows, completed: 0, failed: 0 },
        enqueuedTokens: input.promptTokens,
      });
    });
  }

  #finalize(batch: BatchRecord): void {
    const now = this.#state.clock.now();
    const ranRows = rowsRunAt(batch, now);
    this.#enter({
      ...batch,
      status: 'finalizing',
      finalizingMs: now,
      dueMs: now + this.duration('finalizing', batch),
      ranRows,
      counts: this.#countsOf(batch, ranRows),
    });
  }

  #cancelling(batch: BatchRecord, now: number): BatchRecord {
    const ranRows = rowsRunAt(batch, now);
    return {
      ...batch,
      status: 'cancelling',
      cancellingMs: now,
      dueMs: now + this.duration('cancelling', batch),
      ranRows,
      counts: this.#countsOf(batch, ranRows),
    };
  }

  async #end(batch: BatchRecord): Promise<void> {
    const status = endingOf(batch);
    const results = new BatchResults(this.#state, batch, status);
    try {
      // A batch that was cancelled before its validation has no rows, and its file may be invalid.
      if (batch.inProgressMs !== null) await results.write(this.#closing.signal);
      if (!this.#unchanged(batch)) return;
      inTransaction(this.#state.database, () => {
        const now = this.#state.clock.now();
        const endedMs = {
          completed: { completedMs: now },
          expired: { expiredMs: now },
          cancelled: { cancelledMs: now },
        }[status];
        this.#enter({ ...batch, status, dueMs: null, ...endedMs, ...results.keep(now) });
      });
      this.#releaseInput(batch);
    } finally {
      results.discard();
    }
  }

  #countsOf(batch: BatchRecord, ran: number): RowCounts {
    return countsAfter(batch, ran, this.#state.batches.failedRanks(batch.id));
  }

  #unchanged(batch: BatchRecord): boolean {
    return this.#state.batches.find(batch.id)?.status === batch.status;
  }

  /** Saves the batch with its new status. If the status is an end, call this within a transaction. */
  #enter(batch: BatchRecord): void {
    this.#state.batches.save(batch);
    if (batch.dueMs === null) this.#webhooks.noteEnd(batch);
    this.arm(batch);
  }

  #releaseInput(batch: BatchRecord): void {
    const { files, batches, clock } = this.#state;
    files.release(batch.inputFileId, clock.now(), (id) => batches.readsFile(id));
  }
}

function endingOf(batch: BatchRecord): Ending {
  if (batch.finalizingMs === null) return 'cancelled';
  return batch.ranRows === batch.rows ? 'completed' : 'expired';
}

function tokenLimitExceeded(model: string, limit: number): BatchProblem {
  const message =
    `Enqueued token limit reached for ${model} in organization ${ORGANIZATION}. ` +
    `Limit: ${limit.toLocaleString('en-US')} enqueued tokens. ` +
    'Please try again once some in_progress batches have been completed.';
  return { code: 'token_limit_exceeded', message, param: null, line: null };
}
