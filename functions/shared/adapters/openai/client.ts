import type { IncomingMessage } from 'node:http';
import { type NotAllowed, RetryableError } from '../../domain/errors.ts';
import { type AccountFacts, accountName, keyFingerprint } from '../../domain/openai-account.ts';
import type { ApiKey, ApiKeySource } from './api-key.ts';
import { untilAborted, within } from './call-deadline.ts';
import type { OpenAiResponse } from './failures.ts';
import { present } from './loose-fields.ts';
import { ConnectionFailure, type OpenAiRequest, type OpenAiTransport } from './transport.ts';

/** A request without the credentials. */
export type UnsignedRequest = Omit<OpenAiRequest, 'headers'> & { headers?: Record<string, string> };

/** A response with its body, the account of the key, and the key that was sent. */
export type AccountResponse = OpenAiResponse & { account: string; key: ApiKey };

const MAX_RESPONSE_BYTES = 10_000_000; // far above a page of 100 batches without oversized fields

const MIN_KEY = 8; // a shorter one is not a secret, and may be part of an id

/** Adds the credentials to requests and reads responses. If the key is refused, it reads the key again, once. */
export class OpenAiClient {
  readonly #transport: OpenAiTransport;
  readonly #keys: ApiKeySource;
  /** What the API reported about a key's account. Some vendors report it in some responses only. */
  readonly #owners = new Map<string, Pick<AccountFacts, 'organization' | 'project'>>();

  constructor(transport: OpenAiTransport, keys: ApiKeySource) {
    this.#transport = transport;
    this.#keys = keys;
  }

  /**
   * Returns the response to a call that may take `milliseconds` in total. Errors: ConnectionFailure; those of the key.
   */
  async small(request: UnsignedRequest, milliseconds: number): Promise<AccountResponse> {
    return within(milliseconds, request.signal, (signal) => this.json({ ...request, signal }));
  }

  /** Returns the response with its body, and the account of the key. Errors: ConnectionFailure; those of the key. */
  async json(request: UnsignedRequest): Promise<AccountResponse> {
    const { response, key } = await this.open(request);
    return { ...(await this.readResponse(response, key)), account: this.#accountOf(response, key), key };
  }

  /**
   * Returns the response without its body; read the body with `pieces` or `readResponse`. A request with a body is sent
   * only once, whatever the response.
   */
  async open(request: UnsignedRequest): Promise<{ response: IncomingMessage; key: ApiKey }> {
    const key = await this.#keyFor(request, this.#keys.current());
    const response = await this.#send(request, key);
    if (response.statusCode !== 401 || request.body !== undefined) return { response, key };
    const fresh = await this.#keyFor(request, this.#keys.refresh());
    if (isSameKey(fresh, key)) return { response, key };
    await this.readResponse(response, key);
    return { response: await this.#send(request, fresh), key: fresh };
  }

  /**
   * Reads the key again. If it has changed, returns a RetryableError, and the next call uses the new key. Otherwise
   * returns the refusal unchanged. Errors: those of the key.
   */
  async refused(refusal: NotAllowed, key: ApiKey): Promise<RetryableError | NotAllowed> {
    if (isSameKey(await this.#keys.refresh(), key)) return refusal;
    return new RetryableError(`${refusal.message}; the key has changed, and the next call uses the new one`, {
      afterSeconds: 1,
    });
  }

  pieces(response: IncomingMessage): AsyncGenerator<Uint8Array> {
    return this.#transport.pieces(response);
  }

  /** Returns the response with its body. The key is removed from the body, so that no message can repeat it. */
  async readResponse(response: IncomingMessage, { apiKey }: ApiKey): Promise<OpenAiResponse> {
    const bytes = await this.#transport.readWhole(response, MAX_RESPONSE_BYTES);
    const { statusCode: status = 0, headers } = response;
    const text = apiKey.length < MIN_KEY ? bytes?.toString() : bytes?.toString().replaceAll(apiKey, '(key)');
    return { status, headers, body: text === undefined ? undefined : parsed(text) };
  }

  async #keyFor({ signal }: UnsignedRequest, reading: Promise<ApiKey>): Promise<ApiKey> {
    try {
      return await untilAborted(signal, reading);
    } catch (error) {
      if (!signal?.aborted || error !== signal.reason) throw error;
      throw new ConnectionFailure('the API key could not be read in time', false, error);
    }
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

  /** Returns the account, from the response's headers, earlier responses and the key. */
  #accountOf({ headers }: IncomingMessage, { apiKey }: ApiKey): string {
    const key = keyFingerprint(apiKey);
    const organization = textIn(headers['openai-organization']);
    const named =
      organization === undefined ? {} : { organization, project: textIn(headers['openai-project']) };
    const known = { ...this.#owners.get(key), ...present(named) };
    this.#owners.set(key, known);
    return accountName({ ...known, key });
  }
}

function isSameKey(one: ApiKey, other: ApiKey): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function textIn(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header : undefined;
}

/** Returns the JSON, whatever the content type is; undefined if the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}
