import type {
  Batch,
  BatchCreateParams,
  BatchError,
  BatchRequestCounts,
  BatchUsage,
} from 'openai/resources/batches';
import type { FileDeleted, FileObject } from 'openai/resources/files';
import type { BatchError as ReportedError, RequestCounts, TokenUsage } from '../../contract/events.ts';
import { LISTED_AT_MOST } from '../../contract/events.ts';
import type { ObservedBatch } from '../../domain/part.ts';
import type { BatchApi } from '../../ports/ports.ts';

/*
 * What the Batch API says, made safe. The names come from the official types, so that a drift does not compile; the
 * values are trusted for nothing: what is unset arrives as undefined, null or "" and is taken for the same.
 */

/** Anything may stand in a field of an answer, or nothing. */
type Loose<T> = { readonly [K in keyof T]?: unknown };

/** An id that may enter a path. */
const SAFE_ID = /^[A-Za-z0-9_-]{1,200}$/;

/** More disorder than this in a list is not "newest first". */
const LIST_DISORDER_MS = 5 * 60_000;

/** True for an id that is safe in a path. */
export function isSafeId(id: string): boolean {
  return SAFE_ID.test(id);
}

/** The body of `POST /batches`. */
export function createBody(request: Parameters<BatchApi['createBatch']>[0]): Buffer {
  const body = {
    input_file_id: request.inputFileId,
    endpoint: request.endpoint,
    completion_window: request.completionWindow,
    metadata: request.metadata,
  } satisfies Partial<Record<keyof BatchCreateParams, unknown>>;
  return Buffer.from(JSON.stringify(body));
}

/** A batch as the API sent it, or undefined if this is none. */
export function parseBatch(answer: unknown): ObservedBatch | undefined {
  if (!isObject<Batch>(answer)) return undefined;
  const batchId = textOf(answer.id);
  const status = textOf(answer.status)?.toLowerCase();
  const endpoint = textOf(answer.endpoint);
  const inputFileId = textOf(answer.input_file_id);
  const createdAt = timeOf(answer.created_at);
  if (answer.object !== 'batch' || batchId === undefined || !isSafeId(batchId)) return undefined;
  if (status === undefined || endpoint === undefined || inputFileId === undefined) return undefined;
  if (createdAt === undefined) return undefined;
  const errors = errorsOf(answer.errors);
  return {
    batchId,
    status,
    endpoint,
    inputFileId,
    createdAt,
    errors: errors.slice(0, LISTED_AT_MOST),
    errorCount: errors.length,
    metadata: metadataOf(answer.metadata),
    ...present({
      outputFileId: textOf(answer.output_file_id),
      errorFileId: textOf(answer.error_file_id),
      expiresAt: timeOf(answer.expires_at),
      endedAt: endOf(answer, status),
      counts: countsOf(answer.request_counts),
      usage: usageOf(answer.usage),
    }),
  };
}

/** The answer to a create: some vendors wrap the batch in `job`. */
export function parseCreatedBatch(answer: unknown): ObservedBatch | undefined {
  return parseBatch(answer) ?? (isObject<{ job: unknown }>(answer) ? parseBatch(answer.job) : undefined);
}

/** A page of the list, or what is wrong with it. */
export function parsePage(
  answer: unknown,
  query: { after?: string; limit: number },
): { batches: ObservedBatch[]; hasMore: boolean } | { problem: string } {
  if (!isObject<{ data: unknown; has_more: unknown }>(answer)) return { problem: 'it is no object' };
  if (!Array.isArray(answer.data)) return { problem: 'its data is no list' };
  if (typeof answer.has_more !== 'boolean') return { problem: 'it does not say whether there is more' };
  if (answer.data.length > query.limit) return { problem: 'it is longer than was asked for' };
  if (answer.has_more && answer.data.length === 0)
    return { problem: 'it is empty and says that there is more' };
  const batches: ObservedBatch[] = [];
  for (const entry of answer.data) {
    const batch = parseBatch(entry);
    if (batch === undefined) return { problem: `entry ${batches.length + 1} is no batch` };
    const before = batches.at(-1);
    if (before !== undefined && batch.createdAt > before.createdAt + LIST_DISORDER_MS) {
      return { problem: 'it is not sorted from the newest on' };
    }
    batches.push(batch);
  }
  const ids = new Set(batches.map(({ batchId }) => batchId));
  if (ids.size !== batches.length || (query.after !== undefined && ids.has(query.after))) {
    return { problem: 'it names a batch twice' };
  }
  return { batches, hasMore: answer.has_more };
}

/** A file's id and its length in bytes, or undefined if this is no file. */
export function parseFile(answer: unknown): { fileId: string; bytes: number } | undefined {
  if (!isObject<FileObject>(answer)) return undefined;
  const fileId = textOf(answer.id);
  if (answer.object !== 'file' || fileId === undefined || !isSafeId(fileId)) return undefined;
  const bytes = numberOf(answer.bytes);
  return bytes === undefined || bytes < 0 ? undefined : { fileId, bytes };
}

/** True for an answer that says that the file is deleted. */
export function saysDeleted(answer: unknown): boolean {
  return isObject<FileDeleted>(answer) && answer.deleted === true;
}

/** The API's own words for a refusal, or undefined when the answer does not come from it. */
export function parseRefusal(answer: unknown): { code: string; message: string } | undefined {
  if (!isObject<{ error: unknown; message: unknown }>(answer)) return undefined;
  const error = isObject<{ code: unknown; type: unknown; message: unknown }>(answer.error)
    ? answer.error
    : undefined;
  return {
    code: textOf(error?.code) ?? textOf(error?.type) ?? 'refused',
    message: (
      textOf(error?.message) ??
      textOf(answer.error) ??
      textOf(answer.message) ??
      'no reason given'
    ).slice(0, 500),
  };
}

function isObject<T>(value: unknown): value is Loose<T> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Unix seconds on the wire, milliseconds here. */
function timeOf(value: unknown): number | undefined {
  const seconds = numberOf(value);
  return seconds === undefined || seconds <= 0 ? undefined : Math.round(seconds * 1000);
}

function endOf(batch: Loose<Batch>, status: string): number | undefined {
  if (status === 'completed') return timeOf(batch.completed_at);
  if (status === 'failed') return timeOf(batch.failed_at);
  if (status === 'expired') return timeOf(batch.expired_at);
  if (status === 'cancelled') return timeOf(batch.cancelled_at);
  return undefined;
}

function errorsOf(errors: unknown): ReportedError[] {
  if (!isObject<Batch.Errors>(errors) || !Array.isArray(errors.data)) return [];
  return errors.data.filter(isObject<BatchError>).map((error) => ({
    code: textOf(error.code) ?? null,
    message: textOf(error.message) ?? null,
    param: textOf(error.param) ?? null,
    line: numberOf(error.line) ?? null,
  }));
}

function countsOf(counts: unknown): RequestCounts | undefined {
  if (!isObject<BatchRequestCounts>(counts)) return undefined;
  const total = numberOf(counts.total);
  const completed = numberOf(counts.completed);
  const failed = numberOf(counts.failed);
  if (total === undefined || completed === undefined || failed === undefined) return undefined;
  return { total, completed, failed };
}

function usageOf(usage: unknown): TokenUsage | undefined {
  if (!isObject<BatchUsage>(usage)) return undefined;
  const inputTokens = numberOf(usage.input_tokens);
  const outputTokens = numberOf(usage.output_tokens);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const input = isObject<BatchUsage.InputTokensDetails>(usage.input_tokens_details)
    ? usage.input_tokens_details
    : undefined;
  const output = isObject<BatchUsage.OutputTokensDetails>(usage.output_tokens_details)
    ? usage.output_tokens_details
    : undefined;
  return {
    inputTokens,
    cachedInputTokens: numberOf(input?.cached_tokens) ?? 0,
    outputTokens,
    reasoningTokens: numberOf(output?.reasoning_tokens) ?? 0,
    totalTokens: numberOf(usage.total_tokens) ?? inputTokens + outputTokens,
  };
}

function metadataOf(metadata: unknown): Record<string, string> {
  const pairs: Record<string, string> = {};
  if (typeof metadata !== 'object' || metadata === null) return pairs;
  for (const [name, value] of Object.entries(metadata)) if (typeof value === 'string') pairs[name] = value;
  return pairs;
}

/** Drops what is undefined. */
function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const name in fields) {
    const value = fields[name];
    if (isPresent(value)) kept[name] = value;
  }
  return kept;
}

function isPresent<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}
