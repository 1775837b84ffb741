/**
 * Calls that manage the webhooks of the key's project
 * ([source](https://developers.openai.com/api/reference/resources/webhooks)). Only the CLI makes them. Errors are those
 * of the Batch API: RetryableError, after which the change may still have been made; NotAllowed; TerminalError.
 */
import { isApiId } from '../../contract/api-id.ts';
import { RetryableError } from '../../domain/errors.ts';
import type { ApiKeySource } from './api-key.ts';
import { CALL_DEADLINES } from './call-deadline.ts';
import { type AccountResponse, OpenAiClient } from './client.ts';
import { brokenConnection, failureOf } from './failures.ts';
import { isObject, present, textOf } from './loose-fields.ts';
import { createOpenAiTransport } from './transport.ts';

/** A URL to which the API sends webhooks. */
export interface WebhookEndpoint {
  id: string;
  url: string;
  eventTypes: string[];
  /** A hint that changes with the signing secret and does not reveal it. Absent if the API does not send it. */
  hint?: string;
}

/** The endpoint right after its signing secret was made. The API shows the secret only then. */
export interface SecretEndpoint extends WebhookEndpoint {
  secret: string;
}

/** Manages the endpoints of the project. */
export interface WebhookEndpoints {
  /** Returns all endpoints of the project; undefined if the API has no such calls. */
  list(): Promise<WebhookEndpoint[] | undefined>;
  create(endpoint: { name: string; url: string; eventTypes: readonly string[] }): Promise<SecretEndpoint>;
  /** Sets the complete list of event types that the endpoint receives. */
  setEventTypes(id: string, eventTypes: readonly string[]): Promise<void>;
  /** Makes a new signing secret. For 24 hours, the API also signs with the old one. */
  rotateSecret(id: string): Promise<SecretEndpoint>;
  /** Sends a sample event. Returns the HTTP status of the URL's response. */
  sendTest(id: string, eventType: string): Promise<number>;
  /** Idempotent. */
  remove(id: string): Promise<void>;
}

interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  /** The path after `/webhook_endpoints`. */
  path: string;
  body?: object;
}

const PATH = '/webhook_endpoints';
const PAGE = 100;
const MAX_PAGES = 100; // a server may always say that there are more
/** The responses of an API that does not have these calls. */
const NO_SUCH_CALL: ReadonlySet<number> = new Set([404, 405, 501]);
const TEST_MS = 45_000; // the API waits for the response of the URL

/** `baseUrl`: including `/v1`; https, or http on this machine. Errors: an Error for a base URL that is not safe. */
export function createWebhookEndpoints(options: { baseUrl: string; keys: ApiKeySource }): WebhookEndpoints {
  const transport = createOpenAiTransport(options.baseUrl, TEST_MS);
  return new OpenAiWebhookEndpoints(new OpenAiClient(transport, options.keys));
}

class OpenAiWebhookEndpoints implements WebhookEndpoints {
  readonly #client: OpenAiClient;

  constructor(client: OpenAiClient) {
    this.#client = client;
  }

  async list(): Promise<WebhookEndpoint[] | undefined> {
    const tried = 'list webhook endpoints';
    const found = new Map<string, WebhookEndpoint>();
    let after: string | undefined;
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const path = `?limit=${PAGE}${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`;
      const response = await this.#send(tried, { method: 'GET', path });
      if (NO_SUCH_CALL.has(response.status)) return undefined;
      const page = pageIn(tried, successful(tried, response));
      const known = found.size;
      for (const endpoint of page.endpoints) found.set(endpoint.id, endpoint);
      after = page.endpoints.at(-1)?.id;
      if (!page.hasMore || found.size === known) break;
    }
    return [...found.values()];
  }

  async create({
    name,
    url,
    eventTypes,
  }: Parameters<WebhookEndpoints['create']>[0]): Promise<SecretEndpoint> {
    const tried = `create a webhook endpoint for ${url}`;
    const body = { name, url, event_types: eventTypes };
    return withSecret(tried, await this.#successful(tried, { method: 'POST', path: '', body }));
  }

  async setEventTypes(id: string, eventTypes: readonly string[]): Promise<void> {
    const body = { event_types: eventTypes };
    await this.#successful(`change ${id}`, { method: 'POST', path: at(id), body });
  }

  async rotateSecret(id: string): Promise<SecretEndpoint> {
    const tried = `rotate the secret of ${id}`;
    const body = { keep_old_secret_active_for_24_hours: true };
    const response = await this.#successful(tried, { method: 'POST', path: `${at(id)}/rotate_secret`, body });
    return withSecret(tried, response);
  }

  async sendTest(id: string, eventType: string): Promise<number> {
    const tried = `test ${id}`;
    const body = { event_type: eventType };
    const { body: result } = await this.#successful(tried, { method: 'POST', path: `${at(id)}/test`, body });
    const status = isObject<{ status_code: unknown }>(result) ? Number(result.status_code) : Number.NaN;
    if (!Number.isInteger(status)) throw new RetryableError(`${tried}: the response has no status_code`);
    return status;
  }

  async remove(id: string): Promise<void> {
    const tried = `delete ${id}`;
    const response = await this.#send(tried, { method: 'DELETE', path: at(id) });
    if (response.status !== 404) successful(tried, response);
  }

  async #successful(tried: string, call: Call): Promise<AccountResponse> {
    return successful(tried, await this.#send(tried, call));
  }

  async #send(tried: string, { method, path, body }: Call): Promise<AccountResponse> {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const milliseconds = path.endsWith('/test') ? TEST_MS : CALL_DEADLINES.smallMs;
    const request = {
      method,
      path: PATH + path,
      ...(method !== 'GET' && { ownConnection: true as const }),
      ...(bytes && {
        headers: { 'content-type': 'application/json' },
        body: { bytes: bytes.length, pieces: [bytes] },
      }),
    };
    return this.#client.small(request, milliseconds).catch((error: unknown) => {
      throw brokenConnection(tried, error);
    });
  }
}

function at(id: string): string {
  return `/${encodeURIComponent(id)}`;
}

function successful(tried: string, response: AccountResponse): AccountResponse {
  if (response.status >= 200 && response.status < 300) return response;
  throw failureOf(tried, response);
}

function pageIn(
  tried: string,
  { body }: AccountResponse,
): { endpoints: WebhookEndpoint[]; hasMore: boolean } {
  if (!isObject<{ data: unknown; has_more: unknown }>(body) || !Array.isArray(body.data))
    throw new RetryableError(`${tried}: the response is not a list`);
  return { endpoints: body.data.flatMap((each) => endpointIn(each) ?? []), hasMore: body.has_more === true };
}

function endpointIn(value: unknown): WebhookEndpoint | undefined {
  if (!isObject<{ id: unknown; url: unknown; event_types: unknown; signing_secret_hint: unknown }>(value))
    return undefined;
  const [id, url, hint] = [textOf(value.id), textOf(value.url), textOf(value.signing_secret_hint)];
  if (id === undefined || url === undefined || !isApiId(id)) return undefined;
  const types = Array.isArray(value.event_types) ? value.event_types : [];
  return { id, url, eventTypes: types.flatMap((type) => textOf(type) ?? []), ...present({ hint }) };
}

/** The message does not quote the response, which may contain the secret. */
function withSecret(tried: string, { body }: AccountResponse): SecretEndpoint {
  const endpoint = endpointIn(body);
  const secret = isObject<{ signing_secret: unknown }>(body) ? textOf(body.signing_secret) : undefined;
  if (endpoint === undefined || secret === undefined)
    throw new RetryableError(`${tried}: the response has no endpoint with a signing secret`);
  return { ...endpoint, secret };
}
