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
import type { BatchApi, BatchPage } from '../../ports/ports.ts';

/*
 * Parses the Batch API's responses. The field names come from the official types, so that a change there does not compile.
 * The values are not trusted: a field that is not set may arrive as undefined, null or "", which all mean the same.
 */

/** Any field of a response may be missing or have any value. */
type Loose<T> = { readonly [K in keyof T]?: unknown };

/** An id that is safe in a path. */
const SAFE_ID = /^[A-Za-z0-9_-]{1,200}$/;

/** Returns whether the id is safe in a path. */
export function isSafeId(id: string): boolean {
  return SAFE_ID.test(id);
}

/** Returns the body of `POST /batches`. */
export function createBody(request: Parameters<BatchApi['createBatch']>[0]): Buffer {
  const body = {
    input_file_id: request.inputFileId,
    endpoint: request.endpoint,
    completion_window: request.completionWindow,
    metadata: request.metadata,
  } satisfies Partial<Record<keyof BatchCreateParams, unknown>>;
  return Buffer.from(JSON.stringify(body));
}

/** Returns the batch in a response; undefined when there is none. */
export function parseBatch(response: unknown): ObservedBatch | undefined {
  if (!isObject<Batch>(response)) return undefined;
  const batchId = textOf(response.id);
  const status = textOf(response.status)?.toLowerCase();
  const endpoint = textOf(response.endpoint);
  const inputFileId = textOf(response.input_file_id);
  const createdAt = timeOf(response.created_at);
  if (response.object !== 'batch' || batchId === undefined || !isSafeId(batchId)) return undefined;
  if (status === undefined || endpoint === undefined || inputFileId === undefined) return undefined;
  if (createdAt === undefined) return undefined;
  const errors = errorsOf(response.errors);
  return {
    batchId,
    status,
    endpoint,
    inputFileId,
    createdAt,
    errors: errors.slice(0, LISTED_AT_MOST),
    errorCount: errors.length,
    metadata: metadataOf(response.metadata),
    ...present({
      outputFileId: textOf(response.output_file_id),
      errorFileId: textOf(response.error_file_id),
      expiresAt: timeOf(response.expires_at),
      endedAt: endOf(response, status),
      counts: countsOf(response.request_counts),
      usage: usageOf(response.usage),
    }),
  };
}

/**
 * Returns the batch in the response to a create; undefined when there is none. Some vendors wrap the batch in `job`.
 */
export function parseCreatedBatch(response: unknown): ObservedBatch | undefined {
  return (
    parseBatch(response) ?? (isObject<{ job: unknown }>(response) ? parseBatch(response.job) : undefined)
  );
}

/** Returns a page of the list, or the problem found in it. */
export function parsePage(
  response: unknown,
  query: { after?: string; limit: number },
): Pick<BatchPage, 'batches' | 'hasMore' | 'next'> | { problem: string } {
  if (!isObject<{ data: unknown; has_more: unknown }>(response)) return { problem: 'it is not an object' };
  if (!Array.isArray(response.data)) return { problem: 'its data is not a list' };
  if (typeof response.has_more !== 'boolean') return { problem: 'has_more is missing' };
  if (response.data.length > query.limit) return { problem: 'it is longer than requested' };
  if (response.has_more && response.data.length === 0)
    return { problem: 'it is empty, but has_more is true' };
  const batches: ObservedBatch[] = [];
  for (const entry of response.data) {
    const batch = parseBatch(entry);
    if (batch === undefined) return { problem: `entry ${batches.length + 1} is not a batch` };
    batches.push(batch);
  }
  const ids = new Set(batches.map(({ batchId }) => batchId));
  if (ids.size !== batches.length || (query.after !== undefined && ids.has(query.after))) {
    return { problem: 'it names a batch twice' };
  }
  const next = response.has_more ? batches.at(-1)?.batchId : undefined;
  return { batches, hasMore: response.has_more, ...present({ next }) };
}

/** Returns the id and the length in bytes of the file in a response; undefined when there is none. */
export function parseFile(
  response: unknown,
): { fileId: string; bytes: number; createdAt?: number } | undefined {
  if (!isObject<FileObject>(response)) return undefined;
  const fileId = textOf(response.id);
  if (response.object !== 'file' || fileId === undefined || !isSafeId(fileId)) return undefined;
  const bytes = numberOf(response.bytes);
  if (bytes === undefined || bytes < 0) return undefined;
  return { fileId, bytes, ...present({ createdAt: timeOf(response.created_at) }) };
}

/** Returns whether the response confirms that the file is deleted. */
export function saysDeleted(response: unknown): boolean {
  return isObject<FileDeleted>(response) && response.deleted === true;
}

/** Returns the API's reason for a refusal; undefined when the response is not from the API. */
export function parseRefusal(response: unknown): { code: string; message: string } | undefined {
  if (!isObject<{ error: unknown; message: unknown }>(response)) return undefined;
  const error = isObject<{ code: unknown; type: unknown; message: unknown }>(response.error)
    ? response.error
    : undefined;
  return {
    code: textOf(error?.code) ?? textOf(error?.type) ?? 'refused',
    message: (
      textOf(error?.message) ??
      textOf(response.error) ??
      textOf(response.message) ??
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

/** Converts the API's Unix seconds to milliseconds. */
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

/** Returns the object without its undefined fields. */
export function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
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
