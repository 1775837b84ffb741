import type { Batch } from 'openai/resources/batches';
import type { BatchBehavior, WebhookFault } from '../faults/faults.ts';
import type { FailingRows } from './failing-rows.ts';

export type BatchStatus = Batch['status'];

export interface BatchProblem {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  /** Counted from 1. Null if the problem concerns the whole file. */
  readonly line: number | null;
}

export interface RowCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
}

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A batch as the server stores it. Times are in milliseconds since the epoch, by the server's clock. */
export interface BatchRecord {
  readonly id: string;
  readonly endpoint: string;
  readonly inputFileId: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly outputExpiresAfterSeconds: number | null;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly status: BatchStatus;
  /** When the current status ends. Null once the batch has ended. */
  readonly dueMs: number | null;
  readonly model: string | null;
  /** The rows of the file. Known after validation. */
  readonly rows: number;
  /** The time to run all rows. */
  readonly workMs: number;
  /** The number of rows that ran, in order of rank. Null while they run. */
  readonly ranRows: number | null;
  /** Token usage of the rows that ran. */
  readonly counts: RowCounts;
  readonly enqueuedTokens: number;
  readonly problems: readonly BatchProblem[] | null;
  readonly usage: TokenUsage | null;
  readonly outputFileId: string | null;
  readonly errorFileId: string | null;
  readonly inProgressMs: number | null;
  readonly finalizingMs: number | null;
  readonly completedMs: number | null;
  readonly failedMs: number | null;
  readonly expiredMs: number | null;
  readonly cancellingMs: number | null;
  readonly cancelledMs: number | null;
  /** The end that a fault gives to the batch; null for none. */
  readonly behavior: BatchBehavior | null;
  /** Rows that a fault makes fail; null for none. */
  readonly failingRows: FailingRows | null;
  /** The batch's result lines have odd shapes; see odd-lines.ts. */
  readonly oddRows: boolean;
  /** The faults of its webhooks. Absent in records of earlier versions. */
  readonly webhookFaults?: readonly WebhookFault[];
}

/** Returns whether a fault makes the batch end before its create gets a response. */
export function endsAtOnce({ webhookFaults = [] }: Pick<BatchRecord, 'webhookFaults'>): boolean {
  return webhookFaults.some(({ fault }) => fault === 'webhook-early');
}

/** Returns how many rows have run at `now`. They finish evenly over `workMs`, in order of rank. */
export function rowsRunAt(batch: BatchRecord, now: number): number {
  if (batch.ranRows !== null) return batch.ranRows;
  if (batch.inProgressMs === null) return 0;
  const share = batch.workMs === 0 ? 1 : (Math.min(now, batch.expiresMs) - batch.inProgressMs) / batch.workMs;
  return Math.max(0, Math.min(batch.rows, Math.floor(share * batch.rows)));
}

/** Returns the counts after the first `ran` ranks. `failedRanks` must be sorted. */
export function countsAfter(batch: BatchRecord, ran: number, failedRanks: Uint32Array): RowCounts {
  let low = 0;
  let high = failedRanks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((failedRanks[middle] ?? 0) < ran) low = middle + 1;
    else high = middle;
  }
  return { total: batch.rows, completed: ran - low, failed: low };
}

const seconds = (ms: number | null) => (ms === null ? null : Math.floor(ms / 1_000));

/** Returns the batch as the API shows it: every documented field, null if unset. */
export function batchOnTheWire(batch: BatchRecord, counts: RowCounts): object {
  return {
    id: batch.id,
    object: 'batch',
    endpoint: batch.endpoint,
    model: batch.model,
    errors: batch.problems === null ? null : { object: 'list', data: batch.problems },
    input_file_id: batch.inputFileId,
    completion_window: '24h',
    status: batch.status,
    output_file_id: batch.outputFileId,
    error_file_id: batch.errorFileId,
    created_at: seconds(batch.createdMs),
    in_progress_at: seconds(batch.inProgressMs),
    expires_at: seconds(batch.expiresMs),
    finalizing_at: seconds(batch.finalizingMs),
    completed_at: seconds(batch.completedMs),
    failed_at: seconds(batch.failedMs),
    expired_at: seconds(batch.expiredMs),
    cancelling_at: seconds(batch.cancellingMs),
    cancelled_at: seconds(batch.cancelledMs),
    request_counts: counts,
    usage: batch.usage === null ? null : usageOnTheWire(batch.usage),
    metadata: batch.metadata,
  };
}

function usageOnTheWire({ inputTokens, outputTokens }: TokenUsage): object {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}
