import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, invalid } from './api-error.ts';
import { type Disturbance, UNDISTURBED } from './faults/disturbance.ts';
import type { Operation } from './faults/faults.ts';
import { isJsonObject, type JsonObject, parseJson } from './json.ts';

/** A request to an operation. `id` is the id in its path, or empty. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly id: string;
  readonly disturbance: Disturbance;
}

/** An operation: returns the JSON to send, or null if it has sent the response itself. */
export interface Route {
  readonly operation: Operation;
  readonly method: string;
  readonly path: RegExp;
  readonly handle: (call: Call) => object | null | Promise<object | null>;
}

const MAX_JSON_BODY = 1 << 20;

/** Returns the operation of a request below `basePath`. Throws `ApiError` 404 or 405. */
export function route(
  { routes, basePath }: { routes: readonly Route[]; basePath: string },
  request: IncomingMessage,
  response: ServerResponse,
) {
  const [asked = '/', search] = (request.url ?? '/').split('?', 2);
  const pathname = asked.startsWith(`${basePath}/`) ? asked.replace(basePath, '/v1') : `/none${asked}`;
  const query = new URLSearchParams(search);
  let known = false;
  for (const { operation, method, path, handle } of routes) {
    const match = path.exec(pathname);
    if (match === null) continue;
    known = true;
    if (method === request.method) {
      const call: Call = { request, response, query, id: match[1] ?? '', disturbance: UNDISTURBED };
      return { operation, handle, call };
    }
  }
  if (known) {
    const message = `The method ${request.method} is not allowed on ${asked}.`;
    throw new ApiError(405, message, { code: 'method_not_supported' });
  }
  throw new ApiError(404, `Invalid URL (${request.method} ${asked})`, { code: 'unknown_url' });
}

/** Reads a request's body as a JSON object. Throws `ApiError` 400 or 413. */
export async function readJsonBody(request: IncomingMessage): Promise<JsonObject> {
  return asJsonObject(await readBody(request));
}

/** Reads a body that may be missing, which counts as an object without fields. Throws `ApiError` 400 or 413. */
export async function readOptionalJsonBody(request: IncomingMessage): Promise<JsonObject> {
  const bytes = await readBody(request);
  return bytes.length === 0 ? {} : asJsonObject(bytes);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(request)) {
    size += chunk.length;
    if (size > MAX_JSON_BODY) throw new ApiError(413, 'The body of the request is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function asJsonObject(bytes: Buffer): JsonObject {
  const body = parseJson(bytes.toString('utf8'));
  if (!isJsonObject(body)) throw new ApiError(400, 'The body of the request must be a JSON object.');
  return body;
}

/** Yields a request's body. Leaving the loop keeps the connection open, so that an error can still be sent. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false });
}

/** Reads and discards the rest of a body, because a client that is still sending does not read the response. */
export async function drain(request: IncomingMessage): Promise<void> {
  for await (const _ of bodyOf(request));
}

/** Returns the `limit` of a list, 1 to `most`. Throws `ApiError` 400. */
export function limitOf(query: URLSearchParams, most: number, usual: number): number {
  const asked = query.get('limit');
  if (asked === null) return usual;
  const limit = /^\d+$/.test(asked) ? Number(asked) : Number.NaN;
  if (limit >= 1 && limit <= most) return limit;
  throw invalid('limit', `Invalid 'limit': must be a whole number from 1 to ${most}.`);
}

/** Returns a page of a list. If the list continues, `items` has one item more than the page. */
export function page(items: readonly { readonly id: string }[], limit: number, onTheWire: readonly object[]) {
  return {
    object: 'list',
    data: onTheWire.slice(0, limit),
    first_id: items[0]?.id ?? null,
    last_id: items.slice(0, limit).at(-1)?.id ?? null,
    has_more: items.length > limit,
  };
}

/** Throws `ApiError` 429 if the oldest of the last allowed requests, at `oldestMs`, is within the window. */
export function refuseOverRate(
  what: string,
  oldestMs: number | undefined,
  windowMs: number,
  now: number,
): void {
  if (oldestMs === undefined || oldestMs + windowMs <= now) return;
  const seconds = Math.ceil((oldestMs + windowMs - now) / 1_000);
  throw new ApiError(429, `Rate limit reached for ${what}. Try again in ${seconds} s.`, {
    type: 'requests',
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': String(seconds) },
  });
}
