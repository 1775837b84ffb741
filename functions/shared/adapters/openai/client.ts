import type { IncomingMessage } from 'node:http';
import { NotAllowed, RetryableError } from '../../domain/errors.ts';
import { accountName, keyFingerprint } from '../../domain/openai-account.ts';
import type { ApiKey, ApiKeySource } from './api-key.ts';
import type { OpenAiResponse } from './failures.ts';
import { createOpenAiTransport, type OpenAiRequest, type OpenAiTransport } from './transport.ts';

/** A request without the credentials. */
export type UnsignedRequest = Omit<OpenAiRequest, 'headers'> & { headers?: Record<string, string> };

const MAX_RESPONSE_BYTES = 10_000_000; // far above a page of 100 batches with their errors

/** Adds the credentials to requests and reads responses. It reads a refused key again, once. */
export class OpenAiClient {
  readonly #transport: OpenAiTransport;
  readonly #keys: ApiKeySource;

  constructor(baseUrl: string, keys: ApiKeySource, silenceMs: number) {
    this.#transport = createOpenAiTransport(baseUrl, silenceMs);
    this.#keys = keys;
  }

  /** Returns the response with its body, and the account of the key. */
  async json(tried: string, request: UnsignedRequest): Promise<OpenAiResponse & { account: string }> {
    const { response, key } = await this.open(tried, request);
    return { ...(await this.readResponse(response)), account: accountOf(response, key) };
  }

  /** Returns the response before its body; read that with `pieces` or `readResponse`. */
  async open(tried: string, request: UnsignedRequest): Promise<{ response: IncomingMessage; key: ApiKey }> {
    const key = await this.#keys.current();
    const response = await this.#send(request, key);
    if (response.statusCode !== 401) return { response, key };
    await this.readResponse(response);
    const fresh = await this.#keys.refresh();
    if (JSON.stringify(fresh) === JSON.stringify(key))
      throw new NotAllowed(`${tried}: HTTP 401: the key was refused`);
    if (request.body !== undefined && !Array.isArray(request.body.pieces)) {
      throw new RetryableError(`${tried}: the key has changed, and the body can be sent only once`);
    }
    return { response: await this.#send(request, fresh), key: fresh };
  }

  pieces(response: IncomingMessage): AsyncGenerator<Uint8Array> {
    return this.#transport.pieces(response);
  }

  async readResponse(response: IncomingMessage): Promise<OpenAiResponse> {
    const bytes = await this.#transport.readWhole(response, MAX_RESPONSE_BYTES);
    const isJson = /^application\/([a-z.]+\+)?json\b/i.test(response.headers['content-type'] ?? '');
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: isJson && bytes !== undefined ? parsed(bytes) : undefined,
    };
  }

  #send(request: UnsignedRequest, key: ApiKey): Promise<IncomingMessage> {
    return this.#transport.open({
      ...request,
      headers: {
        accept: 'application/json',
        ...request.headers,
        authorization: `Bearer ${key.apiKey}`,
        ...(key.organization === undefined ? {} : { 'openai-organization': key.organization }),
        ...(key.project === undefined ? {} : { 'openai-project': key.project }),
      },
    });
  }
}

/** Returns what the response and its key say of the account. */
function accountOf({ headers }: IncomingMessage, { apiKey }: ApiKey): string {
  const named = (header: string): string | undefined => {
    const value = headers[header];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const organization = named('openai-organization');
  const project = named('openai-project');
  return accountName({
    key: keyFingerprint(apiKey),
    ...(organization === undefined ? {} : { organization }),
    ...(project === undefined ? {} : { project }),
  });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined; // not JSON, despite its content type
  }
}
