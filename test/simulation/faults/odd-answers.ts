import { parsePage } from '../../../functions/shared/adapters/openai/batch-response.ts';
import { failureOfCreate, type OpenAiResponse } from '../../../functions/shared/adapters/openai/failures.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import type { BatchPage } from '../../../functions/shared/ports/ports.ts';
import type { Chance } from '../world/chance.ts';

/*
 * Responses that pass through the real adapter, so that a mistake of the adapter breaks a promise of the whole system.
 */

const STATUSES = [302, 400, 403, 404, 413, 429, 502];
const GATEWAY_SAYS = { message: 'Forbidden' }; // of an API gateway; a proxy's page is not JSON
const NO_TIME = 'some time ago';

/** Returns the failure of a create that was accepted, if something in front of the API responds in its place. */
export function answeredByGateway(chance: Chance, where: string): Error {
  const status = chance.pick(`status ${where}`, STATUSES) ?? 403;
  const body = chance.of(`body ${where}`) < 0.5 ? GATEWAY_SAYS : undefined;
  const response: OpenAiResponse = { status, headers: {}, body };
  return failureOfCreate(response);
}

/** Returns the page as the adapter reads it, with odd or repeated entries, or without saying whether there are more. */
export function pageWithOddEntries(
  page: BatchPage,
  query: { after?: string; limit: number },
  chance: Chance,
  where: string,
): BatchPage {
  const entries = page.batches.map(onTheWire);
  const odd = [{ object: 'batch', input_file_id: null, status: 'completed' }, null, 'text', { id: '../..' }];
  const isRepeated = chance.of(`repeated ${where}`) < 0.3;
  const data = [...odd, ...entries, ...(isRepeated ? entries.slice(0, 1) : [])];
  const parsed = parsePage(
    { object: 'list', data, has_more: page.hasMore },
    { ...query, limit: data.length },
  );
  if (parsed === undefined) throw new RetryableError('list batches: the response is no list');
  return { ...page, ...parsed };
}

function onTheWire(batch: ObservedBatch): object {
  return {
    id: batch.batchId,
    status: batch.status.toUpperCase(),
    endpoint: batch.endpoint,
    input_file_id: batch.inputFileId,
    output_file_id: batch.outputFileId ?? '',
    error_file_id: batch.errorFileId ?? {},
    created_at: batch.createdAt === undefined ? NO_TIME : batch.createdAt / 1000,
    expires_at: NO_TIME,
    [`${batch.status}_at`]: batch.endedAt === undefined ? null : batch.endedAt / 1000,
    request_counts: batch.counts ?? null,
    usage: null,
    errors: { data: batch.errors },
    metadata: batch.metadata,
  };
}
