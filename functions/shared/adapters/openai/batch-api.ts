import type { IncomingMessage } from 'node:http';
import { RetryableError, TerminalError } from '../../domain/errors.ts';
import type { ObservedBatch } from '../../domain/part.ts';
import type { BatchApi, BatchPage } from '../../ports/ports.ts';
import type { ApiKeySource } from './api-key.ts';
import { OpenAiClient } from './client.ts';
import { brokenConnection, brokenCreate, failureOf, failureOfCreate, type OpenAiAnswer } from './failures.ts';
import { uploadRequest } from './upload.ts';
import {
  createBody,
  isSafeId,
  parseBatch,
  parseCreatedBatch,
  parseFile,
  parsePage,
  parseRefusal,
  saysDeleted,
} from './wire.ts';

/** How the Batch API is reached. */
interface OpenAiOptions {
  /** Up to and with `/v1`; https, or http on this machine. */
  baseUrl: string;
  keys: ApiKeySource;
  /** How long the other side may give no sign, in milliseconds: before its answer, and within it. */
  silenceMs: number;
}

/** Time for an answer to begin, or to go on: far above what the API takes, far below a function's time-out. */
export const SILENCE_MS = 60_000;

/** The Batch API of OpenAI, or of a vendor that speaks the same protocol. Throws for a base URL that is not safe. */
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
    const answer = await this.#ask(tried, { ...uploadRequest(upload), signal });
    if (answer.status !== 200 && answer.status !== 201) throw failureOf(tried, answer);
    const file = parseFile(answer.body);
    if (file === undefined) throw new RetryableError(`${tried}: the answer is no file`);
    if (file.bytes !== upload.bytes) {
      throw new RetryableError(`${tried}: ${file.bytes} of ${upload.bytes} bytes arrived, as ${file.fileId}`);
    }
    return { fileId: file.fileId, account: answer.account };
  }

  async createBatch(
    request: Parameters<BatchApi['createBatch']>[0],
    signal: AbortSignal,
  ): Promise<ObservedBatch> {
    const body = createBody(request);
    const answer = await this.#client
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
    const batch = isSuccess(answer) ? parseCreatedBatch(answer.body) : undefined;
    if (batch === undefined || batch.inputFileId !== request.inputFileId) throw failureOfCreate(answer);
    return batch;
  }

  async retrieveBatch(batchId: string): Promise<ObservedBatch> {
    const tried = `retrieve ${batchId}`;
    const answer = await this.#ask(tried, { method: 'GET', path: `/batches/${pathId(batchId)}` });
    if (!isSuccess(answer)) throw failureOf(tried, answer);
    const batch = parseBatch(answer.body);
    if (batch?.batchId !== batchId) throw new RetryableError(`${tried}: the answer is not this batch`);
    return batch;
  }

  async listBatches(query: { after?: string; limit: number }): Promise<BatchPage> {
    const tried = `list batches${query.after === undefined ? '' : ` after ${query.after}`}`;
    const after = query.after === undefined ? '' : `&after=${pathId(query.after)}`;
    const answer = await this.#ask(tried, { method: 'GET', path: `/batches?limit=${query.limit}${after}` });
    if (!isSuccess(answer)) throw failureOf(tried, answer);
    const page = parsePage(answer.body, query);
    if ('problem' in page)
      throw new RetryableError(`${tried}: the page is not as it should be: ${page.problem}`);
    return { ...page, account: answer.account };
  }

  async cancelBatch(batchId: string): Promise<ObservedBatch | 'too_late' | 'unknown'> {
    const tried = `cancel ${batchId}`;
    const answer = await this.#ask(tried, { method: 'POST', path: `/batches/${pathId(batchId)}/cancel` });
    if (!isSuccess(answer)) {
      const fromTheApi = parseRefusal(answer.body) !== undefined; // not from a gateway before it
      if (fromTheApi && (answer.status === 400 || answer.status === 409)) return 'too_late';
      if (fromTheApi && answer.status === 404) return 'unknown';
      throw failureOf(tried, answer);
    }
    const batch = parseBatch(answer.body);
    if (batch?.batchId !== batchId) throw new RetryableError(`${tried}: the answer is not this batch`);
    return batch;
  }

  async fileBytes(fileId: string): Promise<number> {
    const tried = `look at ${fileId}`;
    const answer = await this.#ask(tried, { method: 'GET', path: `/files/${pathId(fileId)}` });
    if (!isSuccess(answer)) throw failureOfFile(tried, answer);
    const file = parseFile(answer.body);
    if (file?.fileId !== fileId) throw new RetryableError(`${tried}: the answer is not this file`);
    return file.bytes;
  }

  async *readFile(fileId: string): AsyncGenerator<Uint8Array> {
    const tried = `read ${fileId}`;
    try {
      const { answer } = await this.#client.open(tried, {
        method: 'GET',
        path: `/files/${pathId(fileId)}/content`,
        headers: { accept: 'application/binary' },
      });
      if (answer.statusCode !== 200) throw failureOfFile(tried, await this.#client.readAnswer(answer));
      refuseCompressed(tried, answer);
      yield* this.#client.pieces(answer);
    } catch (error) {
      throw brokenConnection(tried, error);
    }
  }

  async deleteFile(fileId: string): ReturnType<BatchApi['deleteFile']> {
    const tried = `delete ${fileId}`;
    const answer = await this.#ask(tried, { method: 'DELETE', path: `/files/${pathId(fileId)}` });
    if (isSuccess(answer)) {
      if (saysDeleted(answer.body)) return { was: 'deleted', account: answer.account };
      throw new RetryableError(`${tried}: the answer does not say that it is deleted`);
    }
    const failure = failureOfFile(tried, answer);
    if (failure instanceof TerminalError && failure.code === 'file_gone')
      return { was: 'gone', account: answer.account };
    throw failure;
  }

  async #ask(tried: string, request: Parameters<OpenAiClient['json']>[1]): ReturnType<OpenAiClient['json']> {
    try {
      return await this.#client.json(tried, request);
    } catch (error) {
      throw brokenConnection(tried, error);
    }
  }
}

function pathId(id: string): string {
  if (!isSafeId(id))
    throw new TerminalError('bad_id', 'an id has to be 1 to 200 letters, digits, "_" or "-"');
  return encodeURIComponent(id);
}

function isSuccess(answer: OpenAiAnswer): boolean {
  return answer.status >= 200 && answer.status < 300;
}

function failureOfFile(tried: string, answer: OpenAiAnswer): Error {
  const failure = failureOf(tried, answer);
  if (!(failure instanceof TerminalError) || answer.status !== 404) return failure;
  return new TerminalError('file_gone', `${tried}: it was deleted or has expired`);
}

function refuseCompressed(tried: string, answer: IncomingMessage): void {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return;
  answer.destroy();
  throw new RetryableError(`${tried}: it came as ${encoding}, which was not asked for`);
}
