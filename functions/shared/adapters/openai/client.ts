import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { NotAllowed, RetryableError } from '../../domain/errors.ts';
import type { ApiKey, ApiKeySource } from './api-key.ts';
import type { OpenAiAnswer } from './failures.ts';
import { createOpenAiTransport, type OpenAiRequest, type OpenAiTransport } from './transport.ts';

/** A request before it is signed. */
export type UnsignedRequest = Omit<OpenAiRequest, 'headers'> & { headers?: Record<string, string> };

const MAX_ANSWER_BYTES = 10_000_000; // 100 batches of a list with their errors are far below it

/** Signs requests and reads answers; a key that is refused is read anew once. */
export class OpenAiClient {
  readonly #transport: OpenAiTransport;
  readonly #keys: ApiKeySource;

  constructor(baseUrl: string, keys: ApiKeySource, silenceMs: number) {
    this.#transport = createOpenAiTransport(baseUrl, silenceMs);
    this.#keys = keys;
  }

  /** An answer with its body read, and the account that gave it. */
  async json(tried: string, request: UnsignedRequest): Promise<OpenAiAnswer & { account: string }> {
    const { answer, key } = await this.open(tried, request);
    return { ...(await this.readAnswer(answer)), account: accountOf(answer, key) };
  }

  /** The head of an answer, the body to be read by `pieces` or `readAnswer`. */
  async open(tried: string, request: UnsignedRequest): Promise<{ answer: IncomingMessage; key: ApiKey }> {
    const key = await this.#keys.current();
    const answer = await this.#send(request, key);
    if (answer.statusCode !== 401) return { answer, key };
    await this.readAnswer(answer);
    const fresh = await this.#keys.refresh();
    if (JSON.stringify(fresh) === JSON.stringify(key))
      throw new NotAllowed(`${tried}: HTTP 401: the key was refused`);
    if (request.body !== undefined && !Array.isArray(request.body.pieces)) {
      throw new RetryableError(`${tried}: the key was changed meanwhile, and the body can be sent once only`);
    }
    return { answer: await this.#send(request, fresh), key: fresh };
  }

  pieces(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
    return this.#transport.pieces(answer);
  }

  async readAnswer(answer: IncomingMessage): Promise<OpenAiAnswer> {
    const bytes = await this.#transport.readWhole(answer, MAX_ANSWER_BYTES);
    const isJson = /^application\/([a-z.]+\+)?json\b/i.test(answer.headers['content-type'] ?? '');
    return {
      status: answer.statusCode ?? 0,
      headers: answer.headers,
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

/** Names the account without naming its key. */
function accountOf(answer: IncomingMessage, key: ApiKey): string {
  const organization = answer.headers['openai-organization'];
  const project = answer.headers['openai-project'];
  if (typeof organization === 'string' && organization !== '') {
    return typeof project === 'string' && project !== '' ? `${organization}/${project}` : organization;
  }
  return `key-${createHash('sha256').update(key.apiKey).digest('hex').slice(0, 16)}`;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined; // no JSON, whatever its head says
  }
}
