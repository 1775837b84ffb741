/*
 * Reads batches and pages of batches (rules 1, 5 and 6 of "What an answer is worth", docs/architecture.md). A batch
 * needs only an id, and an entry that is not a batch is left out of its page. The field names come from the official
 * types, so that code with an outdated name does not compile. The values are not trusted.
 */
import type {
  Batch,
  BatchCreateParams,
  BatchError,
  BatchRequestCounts,
  BatchUsage,
} from 'openai/resources/batches';
import { isApiId } from '../../contract/api-id.ts';
import type { BatchError as ReportedError, RequestCounts, TokenUsage } from '../../contract/events.ts';
import { LISTED_AT_MOST } from '../../contract/events.ts';
import type { ObservedBatch } from '../../domain/part.ts';
import type { BatchApi, BatchPage } from '../../ports/ports.ts';
import { countOf, isObject, type Loose, present, textOf, timeOf } from './loose-fields.ts';

const FIRST_STATUS = 'validating';
/** Other spellings of the API's statuses. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['canceled', 'cancelled'],
  ['canceling', 'cancelling'],
]);
const MAX_STATUS = 64;
const MAX_ENDPOINT = 200;
// OpenAI allows 16 pairs with 64 and 512 characters. Batchdrop's own pairs come last.
const MAX_PAIRS = 64;
const MAX_NAME = 64;
const MAX_VALUE = 512;

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

/** Returns the batch in a response; undefined if there is none. Some vendors wrap it in `job`. */
export function parseBatch(response: unknown): ObservedBatch | undefined {
  if (!isObject<Batch & { job: unknown }>(response)) return undefined;
  return batchIn(response) ?? (isObject<Batch>(response.job) ? batchIn(response.job) : undefined);
}

/**
 * Returns the batch in the response to a create request; undefined if there is none. A batch id in the response is the
 * batch, whatever else the response says. An id does not count if an error accompanies it, or if it is the id of the
 * file.
 */
export function parseCreatedBatch(response: unknown, inputFileId: string): ObservedBatch | undefined {
  if (!isObject<{ error: unknown }>(response) || saysError(response.error)) return undefined;
  const batch = parseBatch(response);
  return batch?.batchId === inputFileId ? undefined : batch;
}

/**
 * Returns a page of the list; undefined if the response is not a page. A list without `has_more` and `last_id` has no
 * pages: it is complete.
 */
export function parsePage(
  response: unknown,
  query: { after?: string; limit: number },
): Pick<BatchPage, 'batches' | 'hasMore' | 'next'> | undefined {
  if (!isObject<{ data: unknown; has_more: unknown; last_id: unknown }>(response)) return undefined;
  if (!Array.isArray(response.data)) return undefined;
  const batches = new Map<string, ObservedBatch>();
  for (const entry of response.data) {
    const batch = parseBatch(entry);
    if (batch && batch.batchId !== query.after && !batches.has(batch.batchId))
      batches.set(batch.batchId, batch);
  }
  const ids = [...batches.keys()];
  const lastId = idOf(response.last_id);
  const isFull = response.data.length >= query.limit;
  const hasMore = flagOf(response.has_more) ?? (lastId !== undefined && isFull);
  const cursor = lastId ?? ids.at(-1);
  // A cursor that does not advance would return the same page forever.
  const movesOn = hasMore && response.data.length > 0 && cursor !== query.after;
  return { batches: [...batches.values()], hasMore, ...present({ next: movesOn ? cursor : undefined }) };
}

function batchIn(fields: Loose<Batch & { error: unknown }>): ObservedBatch | undefined {
  const batchId = idOf(fields.id);
  if (batchId === undefined) return undefined;
  const status = statusOf(fields.status);
  const errors = errorsOf(fields);
  return {
    batchId,
    status,
    errors: errors.slice(0, LISTED_AT_MOST),
    errorCount: errors.length,
    metadata: metadataOf(fields.metadata),
    ...present({
      endpoint: endpointOf(fields.endpoint),
      inputFileId: idOf(fields.input_file_id),
      outputFileId: idOf(fields.output_file_id),
      errorFileId: idOf(fields.error_file_id),
      createdAt: timeOf(fields.created_at),
      expiresAt: timeOf(fields.expires_at),
      endedAt: endOf(fields, status),
      counts: countsOf(fields.request_counts),
      usage: usageOf(fields.usage),
    }),
  };
}

function idOf(value: unknown): string | undefined {
  const id = textOf(value);
  return id !== undefined && isApiId(id) ? id : undefined;
}

function statusOf(value: unknown): string {
  const text = textOf(value)
    ?.trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  const status = text === undefined || text === '' ? FIRST_STATUS : text.slice(0, MAX_STATUS).toWellFormed();
  return SPELLINGS.get(status) ?? status;
}

function endpointOf(value: unknown): string | undefined {
  const endpoint = textOf(value);
  return endpoint !== undefined && endpoint.length <= MAX_ENDPOINT ? endpoint : undefined;
}

function flagOf(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : undefined;
}

/** Returns whether an `error` next to an id contains an error. */
function saysError(error: unknown): boolean {
  if (isObject<Record<string, unknown>>(error)) return Object.values(error).some((field) => field !== null);
  return Array.isArray(error) ? error.length > 0 : textOf(error) !== undefined;
}

function endOf(batch: Loose<Batch>, status: string): number | undefined {
  if (status === 'completed') return timeOf(batch.completed_at);
  if (status === 'failed') return timeOf(batch.failed_at);
  if (status === 'expired') return timeOf(batch.expired_at);
  if (status === 'cancelled') return timeOf(batch.cancelled_at);
  return undefined;
}

/** OpenAI has a list in `errors.data`. Other vendors omit the object, the list, or both, or name it `error`. */
function errorsOf({ errors, error }: Loose<Batch & { error: unknown }>): ReportedError[] {
  const data = isObject<Batch.Errors>(errors) && errors.data !== undefined ? errors.data : errors;
  const listed = listOf(data).flatMap(errorIn);
  return listed.length > 0 ? listed : listOf(error).flatMap(errorIn);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function errorIn(value: unknown): ReportedError[] {
  const message = textOf(value);
  if (message !== undefined) return [{ code: null, message, param: null, line: null }];
  if (!isObject<BatchError>(value)) return [];
  return [
    {
      code: textOf(value.code) ?? countOf(value.code)?.toString() ?? null,
      message: textOf(value.message) ?? null,
      param: textOf(value.param) ?? null,
      line: countOf(value.line) ?? null,
    },
  ];
}

function countsOf(counts: unknown): RequestCounts | undefined {
  if (!isObject<BatchRequestCounts>(counts)) return undefined;
  const total = countOf(counts.total);
  const completed = countOf(counts.completed);
  const failed = countOf(counts.failed);
  if (total === undefined || completed === undefined || failed === undefined) return undefined;
  return { total, completed, failed };
}

function usageOf(usage: unknown): TokenUsage | undefined {
  if (!isObject<BatchUsage>(usage)) return undefined;
  const inputTokens = countOf(usage.input_tokens);
  const outputTokens = countOf(usage.output_tokens);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const input = isObject<BatchUsage.InputTokensDetails>(usage.input_tokens_details)
    ? usage.input_tokens_details
    : undefined;
  const output = isObject<BatchUsage.OutputTokensDetails>(usage.output_tokens_details)
    ? usage.output_tokens_details
    : undefined;
  return {
    inputTokens,
    cachedInputTokens: countOf(input?.cached_tokens) ?? 0,
    outputTokens,
    reasoningTokens: countOf(output?.reasoning_tokens) ?? 0,
    totalTokens: countOf(usage.total_tokens) ?? inputTokens + outputTokens,
  };
}

/** Returns the pairs that are within OpenAI's limits: a ledger item has no space for longer ones. */
function metadataOf(metadata: unknown): Record<string, string> {
  const pairs: Record<string, string> = {};
  if (!isObject<Record<string, unknown>>(metadata)) return pairs;
  for (const [name, value] of Object.entries(metadata).slice(-MAX_PAIRS)) {
    if (typeof value === 'string' && name.length <= MAX_NAME && value.length <= MAX_VALUE)
      pairs[name] = value;
  }
  return pairs;
}
