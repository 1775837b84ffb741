import type { IncomingMessage } from 'node:http';
import { RetryableError, TerminalError } from '../../domain/errors.ts';
import type { ObservedBatch } from '../../domain/part.ts';
import type { BatchApi, BatchPage } from '../../ports/ports.ts';
import type { ApiKeySource } from './api-key.ts';
import { OpenAiClient } from './client.ts';
import {
  answeredAt,
  brokenConnection,
  brokenCreate,
  failureOf,
  failureOfCreate,
  type OpenAiResponse,
} from './failures.ts';
import { uploadRequest } from './upload.ts';
import {
  createBody,
  isSafeId,
  parseBatch,
  parseCreatedBatch,
  parseFile,
  parsePage,
  parseRefusal,
  present,
  saysDeleted,
} from './wire.ts';

/** How to call the Batch API. */
interface OpenAiOptions {
  /** Including `/v1`; https, or http on this machine. */
  baseUrl: string;
  keys: ApiKeySource;
  /** How long the API may send nothing, before or within a response, in milliseconds. */
  silenceMs: number;
}

/** The idle timeout of a response: far above what the API needs, far below a function's time-out. */
export const SILENCE_MS = 60_000;

/**
 * Calls the Batch API of OpenAI, or of a vendor with the same protocol. Errors: an Error for a base URL that is not
 * safe.
 */
export function createOpenAiBatchApi(options: OpenAiOptions): BatchApi {
  const client = new OpenAiClient(options.baseUrl, options.keys, options.silenceMs);
  return new OpenAiBatchApi(client);
}

class OpenAiBatchApi implements BatchApi {
  readonly #client: OpenAiClient;

  constructor(client: OpenAiClient) {
    this.#client = client;
  }

  async uploadFile(
    upload: Parameters<BatchApi['uploadFile']>[0],
    signal: AbortSignal,
  ): ReturnType<BatchApi['uploadFile']> {
    const tried = `upload ${upload.name}`;
    const response = await this.#call(tried, { ...uploadRequest(upload), signal });
    if (response.status !== 200 && response.status !== 201) throw failureOf(tried, response);
    const file = parseFile(response.body);
    if (file === undefined) throw new RetryableError(`${tried}: the response is not a file`);
    if (file.bytes !== upload.bytes) {
      throw new RetryableError(`${tried}: ${file.bytes} of ${upload.bytes} bytes arrived, in ${file.fileId}`);
    }
    const { fileId, createdAt } = file;
    return { fileId, account: response.account, ...present({ createdAt, answeredAt: answeredAt(response) }) };
  }

  async createBatch(
    request: Parameters<BatchApi['createBatch']>[0],
    signal: AbortSignal,
  ): Promise<ObservedBatch> {
    const body = createBody(request);
    const response = await this.#client
      .json('create batch', {
        method: 'POST',
        path: '/batches',
        headers: { 'content-type': 'application/json' },
        body: { bytes: body.length, pieces: [body] },
        ownConnection: true,
        signal,
      })
      .catch((error: unknown) => {
        throw brokenCreate(error);
      });
    const batch = isSuccess(response) ? parseCreatedBatch(response.body) : undefined;
    if (batch === undefined || batch.inputFileId !== request.inputFileId) throw failureOfCreate(response);
    return batch;
  }

  async retrieveBatch(batchId: string): Promise<ObservedBatch> {
    const tried = `retrieve ${batchId}`;
    const response = await this.#call(tried, { method: 'GET', path: `/batches/${pathId(batchId)}` });
    if (!isSuccess(response)) throw failureOf(tried, response);
    const batch = parseBatch(response.body);
    if (batch?.batchId !== batchId) throw new RetryableError(`${tried}: the response is not this batch`);
    return batch;
  }

  async listBatches(query: { after?: string; limit: number }): Promise<BatchPage> {
    const tried = `list batches${query.after === undefined ? '' : ` after ${query.after}`}`;
    const after = query.after === undefined ? '' : `&after=${pathId(query.after)}`;
    const response = await this.#call(tried, {
      method: 'GET',
      path: `/batches?limit=${query.limit}${after}`,
    });
    if (!isSuccess(response)) throw failureOf(tried, response);
    const page = parsePage(response.body, query);
    if ('problem' in page) throw new RetryableError(`${tried}: the page is not valid: ${page.problem}`);
    return { ...page, account: response.account, ...present({ answeredAt: answeredAt(response) }) };
  }

  async cancelBatch(batchId: string): Promise<ObservedBatch | 'too_late' | 'unknown'> {
    const tried = `cancel ${batchId}`;
    const response = await this.#call(tried, { method: 'POST', path: `/batches/${pathId(batchId)}/cancel` });
    if (!isSuccess(response)) {
      const isFromApi = parseRefusal(response.body) !== undefined; // and not a gateway in front of it
      if (isFromApi && (response.status === 400 || response.status === 409)) return 'too_late';
      if (isFromApi && response.status === 404) return 'unknown';
      throw failureOf(tried, response);
    }
    const batch = parseBatch(response.body);
    if (batch?.batchId !== batchId) throw new RetryableError(`${tried}: the response is not this batch`);
    return batch;
  }

  async fileBytes(fileId: string): Promise<number> {
    const tried = `retrieve ${fileId}`;
    const response = await this.#call(tried, { method: 'GET', path: `/files/${pathId(fileId)}` });
    if (!isSuccess(response)) throw failureOfFile(tried, response);
    const file = parseFile(response.body);
    if (file?.fileId !== fileId) throw new RetryableError(`${tried}: the response is not this file`);
    return file.bytes;
  }

  async *readFile(fileId: string): AsyncGenerator<Uint8Array> {
    const tried = `read ${fileId}`;
    try {
      const { response } = await this.#client.open(tried, {
        method: 'GET',
        path: `/files/${pathId(fileId)}/content`,
        headers: { accept: 'application/binary' },
      });
      if (response.statusCode !== 200) throw failureOfFile(tried, await this.#client.readResponse(response));
      refuseCompressed(tried, response);
      yield* this.#client.pieces(response);
    } catch (error) {
      throw brokenConnection(tried, error);
    }
  }

  async deleteFile(fileId: string): ReturnType<BatchApi['deleteFile']> {
    const tried = `delete ${fileId}`;
    const response = await this.#call(tried, { method: 'DELETE', path: `/files/${pathId(fileId)}` });
    if (isSuccess(response)) {
      if (saysDeleted(response.body)) return { was: 'deleted', account: response.account };
      throw new RetryableError(`${tried}: the response does not confirm it`);
    }
    const failure = failureOfFile(tried, response);
    if (failure instanceof TerminalError && failure.code === 'file_gone')
      return { was: 'gone', account: response.account };
    throw failure;
  }

  async #call(tried: string, request: Parameters<OpenAiClient['json']>[1]): ReturnType<OpenAiClient['json']> {
    try {
      return await this.#client.json(tried, request);
    } catch (error) {
      throw brokenConnection(tried, error);
    }
  }
}

function pathId(id: string): string {
  if (!isSafeId(id)) throw new TerminalError('bad_id', 'an id must be 1 to 200 letters, digits, "_" or "-"');
  return encodeURIComponent(id);
}

function isSuccess(response: OpenAiResponse): boolean {
  return response.status >= 200 && response.status < 300;
}

function failureOfFile(tried: string, response: OpenAiResponse): Error {
  const failure = failureOf(tried, response);
  if (!(failure instanceof TerminalError) || response.status !== 404) return failure;
  return new TerminalError('file_gone', `${tried}: the file was deleted or has expired`);
}

function refuseCompressed(tried: string, response: IncomingMessage): void {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return;
  response.destroy();
  throw new RetryableError(`${tried}: the response is compressed (${encoding}), which was not requested`);
}
