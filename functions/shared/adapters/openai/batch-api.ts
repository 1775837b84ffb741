import type { IncomingMessage } from 'node:http';
import { API_ID_RULE, isApiId } from '../../contract/api-id.ts';
import { NotAllowed, RetryableError, TerminalError } from '../../domain/errors.ts';
import type { ObservedBatch } from '../../domain/part.ts';
import type { BatchApi, BatchPage, UploadedFile } from '../../ports/ports.ts';
import type { ApiKeySource } from './api-key.ts';
import { createBody, parseBatch, parseCreatedBatch, parsePage } from './batch-response.ts';
import { CALL_DEADLINES, type CallDeadlines } from './call-deadline.ts';
import { type AccountResponse, OpenAiClient, type UnsignedRequest } from './client.ts';
import {
  answeredAt,
  brokenConnection,
  brokenCreate,
  failureOf,
  failureOfCreate,
  type OpenAiResponse,
} from './failures.ts';
import { parseFile, type ReportedFile, saysDeleted } from './file-response.ts';
import { isObject, present } from './loose-fields.ts';
import { ownWord } from './own-word.ts';
import { ConnectionFailure, createOpenAiTransport } from './transport.ts';
import { uploadRequest } from './upload.ts';

/** How to call the Batch API. */
interface OpenAiOptions {
  /** Including `/v1`; https, or http on this machine. */
  baseUrl: string;
  keys: ApiKeySource;
  deadlines?: Partial<CallDeadlines>;
}

/**
 * Calls the Batch API of OpenAI, or of a vendor with the same protocol. Errors: an Error for a base URL that is not
 * safe.
 */
export function createOpenAiBatchApi({ baseUrl, keys, deadlines }: OpenAiOptions): BatchApi {
  const all = { ...CALL_DEADLINES, ...deadlines };
  return new OpenAiBatchApi(new OpenAiClient(createOpenAiTransport(baseUrl, all.silenceMs), keys), all);
}

class OpenAiBatchApi implements BatchApi {
  readonly #client: OpenAiClient;
  readonly #deadlines: CallDeadlines;

  constructor(client: OpenAiClient, deadlines: CallDeadlines) {
    this.#client = client;
    this.#deadlines = deadlines;
  }

  async uploadFile(
    upload: Parameters<BatchApi['uploadFile']>[0],
    signal: AbortSignal,
  ): Promise<UploadedFile> {
    const tried = `upload ${upload.name}`;
    const answerMs = this.#deadlines.uploadedMs;
    const request = { ...uploadRequest(upload), signal, answerMs };
    const response = await this.#client.json(request).catch((error: unknown) => {
      throw brokenConnection(tried, error, signal);
    });
    if (!isSuccess(response)) throw await this.#refusedOnce(response, failureOf(tried, response, 'upload'));
    const file = parseFile(response.body);
    if (file?.fileId === undefined) throw new RetryableError(`${tried}: the response is not a file`);
    const { fileId, bytes, createdAt } = file;
    if (bytes !== undefined && bytes !== upload.bytes) {
      const deleted = await this.deleteFile(fileId, signal).then(
        () => 'deleted',
        () => 'not deleted',
      );
      const arrived = `${bytes} of ${upload.bytes} bytes arrived, in ${fileId}, which was ${deleted}`;
      throw new RetryableError(`${tried}: ${arrived}`);
    }
    return { fileId, account: response.account, ...present({ createdAt, answeredAt: answeredAt(response) }) };
  }

  async createBatch(
    request: Parameters<BatchApi['createBatch']>[0],
    signal: AbortSignal,
  ): Promise<ObservedBatch> {
    const body = createBody(request);
    const { createMs } = this.#deadlines;
    const sent: UnsignedRequest = {
      method: 'POST',
      path: '/batches',
      headers: { 'content-type': 'application/json' },
      body: { bytes: body.length, pieces: [body] },
      ownConnection: true,
      signal,
      answerMs: createMs,
    };
    const response = await this.#client.small(sent, createMs).catch((error: unknown) => {
      throw brokenCreate(error, signal);
    });
    const batch = isSuccess(response) ? parseCreatedBatch(response.body, request.inputFileId) : undefined;
    if (batch !== undefined) return batch;
    throw await this.#refusedOnce(response, failureOfCreate(response));
  }

  async retrieveBatch(batchId: string, signal?: AbortSignal): Promise<ObservedBatch> {
    const tried = `retrieve ${batchId}`;
    const response = await this.#call(tried, { method: 'GET', path: `/batches/${pathId(batchId)}` }, signal);
    if (!isSuccess(response)) throw failureOf(tried, response);
    const batch = parseBatch(response.body);
    if (batch?.batchId !== batchId) throw new RetryableError(`${tried}: the response is not this batch`);
    return batch;
  }

  async listBatches(query: { after?: string; limit: number }, signal?: AbortSignal): Promise<BatchPage> {
    const tried = `list batches${query.after === undefined ? '' : ` after ${query.after}`}`;
    const after = query.after === undefined ? '' : `&after=${pathId(query.after)}`;
    const request = { method: 'GET' as const, path: `/batches?limit=${query.limit}${after}` };
    const response = await this.#call(tried, request, signal);
    if (!isSuccess(response)) throw failureOf(tried, response);
    const page = parsePage(response.body, query);
    if (page === undefined) throw new RetryableError(`${tried}: the response is not a list`);
    return { ...page, account: response.account, ...present({ answeredAt: answeredAt(response) }) };
  }

  async cancelBatch(batchId: string, signal?: AbortSignal): Promise<ObservedBatch | 'too_late' | 'unknown'> {
    const tried = `cancel ${batchId}`;
    const request = { method: 'POST' as const, path: `/batches/${pathId(batchId)}/cancel` };
    const response = await this.#call(tried, request, signal);
    if (!isSuccess(response)) {
      const failure = failureOf(tried, response);
      const isConflict = response.status === 409 && ownWord(response.body) !== undefined;
      if (isConflict) return 'too_late';
      if (!(failure instanceof TerminalError)) throw failure;
      return failure.code === 'not_found' ? 'unknown' : 'too_late';
    }
    const batch = parseBatch(response.body);
    // The API accepted the cancel, and its response does not describe the batch.
    if (batch === undefined && (response.status === 204 || isObject(response.body))) return 'too_late';
    if (batch?.batchId !== batchId) throw new RetryableError(`${tried}: the response is not this batch`);
    return batch;
  }

  async fileBytes(fileId: string, signal?: AbortSignal): Promise<number | undefined> {
    return (await this.#file(fileId, signal)).bytes;
  }

  async *readFile(fileId: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const tried = `read ${fileId}`;
    try {
      const { response, key } = await this.#client.open({
        method: 'GET',
        path: `/files/${pathId(fileId)}/content`,
        headers: { accept: 'application/binary' },
        ...(signal === undefined ? {} : { signal }),
      });
      if (response.statusCode !== 200)
        throw failureOf(tried, await this.#client.readResponse(response, key), 'file');
      refuseCompressed(tried, response);
      yield* this.#client.pieces(response);
    } catch (error) {
      throw brokenConnection(tried, error, signal);
    }
  }

  async deleteFile(fileId: string, signal?: AbortSignal): ReturnType<BatchApi['deleteFile']> {
    const tried = `delete ${fileId}`;
    const response = await this.#call(tried, { method: 'DELETE', path: `/files/${pathId(fileId)}` }, signal);
    const { account } = response;
    if (isSuccess(response)) {
      if (response.status === 204 || saysDeleted(response.body)) return { was: 'deleted', account };
      throw new RetryableError(`${tried}: the response does not confirm it`);
    }
    const failure = failureOf(tried, response, 'file');
    if (failure instanceof TerminalError && failure.code === 'file_gone') return { was: 'gone', account };
    throw failure;
  }

  /**
   * Returns the error of a call that must not be repeated here. If the key was refused, reads it again for the next
   * call.
   */
  async #refusedOnce<Failure extends Error>(
    { key }: AccountResponse,
    failure: Failure,
  ): Promise<Failure | NotAllowed | RetryableError> {
    return failure instanceof NotAllowed ? this.#client.refused(failure, key) : failure;
  }

  async #file(fileId: string, signal: AbortSignal | undefined): Promise<ReportedFile> {
    const tried = `retrieve ${fileId}`;
    const response = await this.#call(tried, { method: 'GET', path: `/files/${pathId(fileId)}` }, signal);
    if (!isSuccess(response)) throw failureOf(tried, response, 'file');
    const file = parseFile(response.body);
    if (file === undefined || (file.fileId ?? fileId) !== fileId)
      throw new RetryableError(`${tried}: the response is not this file`);
    return file;
  }

  async #call(
    tried: string,
    request: UnsignedRequest,
    signal: AbortSignal | undefined,
  ): Promise<AccountResponse> {
    try {
      const heeding = signal === undefined ? request : { ...request, signal };
      return await this.#client.small(heeding, this.#deadlines.smallMs);
    } catch (error) {
      // The next invocation continues, so this is not a failure of the item.
      if (signal?.aborted && error instanceof ConnectionFailure)
        throw new RetryableError(`${tried}: the invocation ends`, { afterSeconds: 1, cause: error });
      throw brokenConnection(tried, error);
    }
  }
}

function pathId(id: string): string {
  if (!isApiId(id)) throw new TerminalError('bad_id', `an id must be ${API_ID_RULE}`);
  return encodeURIComponent(id);
}

function isSuccess(response: OpenAiResponse): boolean {
  return response.status >= 200 && response.status < 300;
}

function refuseCompressed(tried: string, response: IncomingMessage): void {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return;
  response.destroy();
  throw new RetryableError(`${tried}: the response is compressed (${encoding}), which was not requested`);
}
