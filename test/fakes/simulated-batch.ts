import type { BatchError } from '../../functions/shared/contract/events.ts';
import type { KnownBatch } from '../../functions/shared/domain/part.ts';
import { frozenCopy } from './frozen-copy.ts';

/** How a batch behaves. By default it takes a few minutes and every row succeeds. */
export interface BatchBehavior {
  validatingMs?: number;
  /** The time from the first row to the last. The batch expires 24 hours after its creation. */
  runningMs?: number;
  finalizingMs?: number;
  cancellingMs?: number;
  /** If set, the validation ends in `failed` with these errors. */
  failure?: BatchError[];
  /** The outcome of a row that has run. `missing`: no line in either file; `failed`: a 400. */
  row?: (customId: string) => 'succeeded' | 'failed' | 'missing' | { statusCode: number };
  /** The status that is reported instead of `in_progress`. */
  runningAs?: string;
}

/** The state of a batch that does not follow from the time. */
export interface SimulatedBatch {
  batchId: string;
  account: string;
  inputFileId: string;
  endpoint: string;
  metadata: Record<string, string>;
  model: string;
  createdAt: number;
  /** The custom ids in the order in which they run. */
  rows: string[];
  fate: BatchBehavior;
  /** The input file was deleted before the validation was over. */
  fileLost?: true;
  cancelRequestedAt?: number;
}

const WINDOW_MS = 24 * 3_600_000;
const USUAL = { validatingMs: 30_000, runningMs: 300_000, finalizingMs: 30_000, cancellingMs: 60_000 };

/** The state of a batch at a time. */
export interface Progress {
  status: string;
  endedAt?: number;
  /** How many rows have run: the first ones of `rows`. */
  ran: number;
  /** Whether it passed validation. Remains false if it failed or was cancelled earlier. */
  validated: boolean;
}

/** Returns the progress of a batch. It depends only on the batch and the time. */
export function progressOf(batch: SimulatedBatch, now: number): Progress {
  const { validatingMs, runningMs, finalizingMs, cancellingMs } = { ...USUAL, ...batch.fate };
  const started = batch.createdAt + validatingMs;
  const expiry = batch.createdAt + WINDOW_MS;
  const allRan = started + runningMs;
  const cancelled = batch.cancelRequestedAt;
  const ranBy = (time: number): number => {
    const share = runningMs === 0 ? Number(time >= started) : (time - started) / runningMs;
    return Math.floor(batch.rows.length * Math.min(1, Math.max(0, share)));
  };
  const ending = (status: string, endedAt: number, lastRan: number, before: string): Progress => ({
    ran: ranBy(lastRan),
    validated: lastRan >= started,
    ...(now < endedAt ? { status: before } : { status, endedAt }),
  });

  if (cancelled !== undefined && cancelled < Math.min(allRan, expiry)) {
    return ending('cancelled', cancelled + cancellingMs, cancelled, 'cancelling');
  }
  if (now < started) return { status: 'validating', ran: 0, validated: false };
  if (batch.fileLost || batch.fate.failure !== undefined) {
    return { status: 'failed', endedAt: started, ran: 0, validated: false };
  }
  if (now < Math.min(allRan, expiry)) {
    return { status: batch.fate.runningAs ?? 'in_progress', ran: ranBy(now), validated: true };
  }
  if (allRan > expiry) return ending('expired', expiry, expiry, 'in_progress');
  // A cancel while the batch is finalizing is too late.
  const before = cancelled === undefined ? 'finalizing' : 'cancelling';
  return ending('completed', allRan + finalizingMs, allRan, before);
}

/** Returns a time before which the batch does not end. */
export function earliestEnd({ createdAt, fate, cancelRequestedAt }: SimulatedBatch): number {
  return cancelRequestedAt ?? createdAt + (fate.validatingMs ?? USUAL.validatingMs);
}

/** Returns the custom ids of the rows that have run, by outcome. */
export function ranRows(
  batch: SimulatedBatch,
  now: number,
): Record<'succeeded' | 'failed' | 'missing', string[]> {
  const rows = { succeeded: [] as string[], failed: [] as string[], missing: [] as string[] };
  for (const customId of batch.rows.slice(0, progressOf(batch, now).ran)) {
    const outcome = batch.fate.row?.(customId) ?? 'succeeded';
    rows[typeof outcome === 'string' ? outcome : 'failed'].push(customId);
  }
  return rows;
}

/** Returns the lines of both files of a batch that has ended. An empty file does not exist. */
export function filesOf(batch: SimulatedBatch, now: number): { output: string; errors: string } {
  const { ran, validated } = progressOf(batch, now);
  if (!validated) return { output: '', errors: '' };
  const outcomes = ranRows(batch, now);
  const failed = outcomes.failed.map((customId) => {
    const outcome = batch.fate.row?.(customId);
    const statusCode = typeof outcome === 'object' ? outcome.statusCode : 400;
    const body = { error: { message: 'No.' } };
    return lineOf(customId, { status_code: statusCode, request_id: `req_${customId}`, body }, null);
  });
  const unfinished = batch.rows.slice(ran).map((customId) =>
    lineOf(customId, null, {
      code: 'batch_expired',
      message: 'This request could not be executed in time.',
    }),
  );
  const succeeded = outcomes.succeeded.map((customId) =>
    lineOf(
      customId,
      { status_code: 200, request_id: `req_${customId}`, body: { echo: customId, usage: ROW_USAGE } },
      null,
    ),
  );
  return { output: succeeded.join(''), errors: [...failed, ...unfinished].join('') };
}

/** Returns what the API reports. Its times are whole seconds. */
export function reportOf(
  batch: SimulatedBatch,
  now: number,
  files: { outputFileId?: string; errorFileId?: string },
): KnownBatch {
  const { status, endedAt, validated } = progressOf(batch, now);
  const outcomes = ranRows(batch, now);
  const completed = outcomes.succeeded.length + outcomes.missing.length;
  const errors = status === 'failed' ? failureOf(batch) : [];
  return {
    batchId: batch.batchId,
    status,
    endpoint: batch.endpoint,
    inputFileId: batch.inputFileId,
    ...files,
    createdAt: wholeSeconds(batch.createdAt),
    expiresAt: wholeSeconds(batch.createdAt + WINDOW_MS),
    ...(endedAt === undefined ? {} : { endedAt: wholeSeconds(endedAt) }),
    counts: {
      total: validated ? batch.rows.length : 0,
      completed,
      failed: outcomes.failed.length,
    },
    ...(endedAt === undefined || completed === 0 ? {} : { usage: usageOf(completed) }),
    errors: frozenCopy(errors.slice(0, 20)),
    errorCount: errors.length,
    metadata: { ...batch.metadata },
  };
}

function failureOf(batch: SimulatedBatch): BatchError[] {
  if (batch.fate.failure !== undefined) return batch.fate.failure;
  return [{ code: 'file_not_found', message: 'The input file is gone.', param: 'input_file_id', line: null }];
}

/** Returns the input tokens of this many rows. */
export function tokensOf(rows: number): number {
  return 10 * rows;
}

/** What a row that succeeded says of its tokens: `usageOf` a single row. */
const ROW_USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function usageOf(rows: number): NonNullable<KnownBatch['usage']> {
  return {
    inputTokens: tokensOf(rows),
    cachedInputTokens: 0,
    outputTokens: 5 * rows,
    reasoningTokens: 0,
    totalTokens: 15 * rows,
  };
}

function lineOf(customId: string, response: object | null, error: object | null): string {
  return `${JSON.stringify({ id: `batch_req_${customId}`, custom_id: customId, response, error })}\n`;
}

function wholeSeconds(time: number): number {
  return Math.floor(time / 1000) * 1000;
}
