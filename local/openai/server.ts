/**
 * A local OpenAI Batch API: files and batches as in the real API, without cost.
 *
 * Its state is in one directory (database, contents, `audit.jsonl`) and survives SIGKILL. Durations, ids, the order of
 * results and their contents depend on the seed. Rows can be made to fail, see row-outcome.ts; so can requests, batches
 * and webhooks, see faults.ts. Not supported: uploads in parts, and other organizations and projects.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { reasonToRefuse, setProtectiveHeaders } from '../browser-guard.ts';
import type { Clock } from '../clock.ts';
import { DISK_FULL, isDiskFull } from '../disk-full.ts';
import { InFlight } from '../in-flight.ts';
import { printableJson } from '../unprintable.ts';
import { ApiError } from './api-error.ts';
import { batchRoutes } from './batches/batch-routes.ts';
import { Lifecycle } from './batches/lifecycle.ts';
import { FaultInjector } from './faults/faults-injector.ts';
import { oddly } from './faults/odd-answers.ts';
import { fileRoutes } from './files/file-routes.ts';
import { ORGANIZATION } from './limits.ts';
import type { Profile } from './profiles/profile.ts';
import { type Call, drain, type Route, route } from './router.ts';
import { type BatchApiOptions, openState } from './state.ts';
import { webhookRoutes } from './webhooks/webhook-routes.ts';
import { Webhooks } from './webhooks/webhooks.ts';

export type { BatchApiOptions } from './state.ts';

export interface BatchApiServer {
  /** The base URL for a client, e.g. `http://127.0.0.1:8080/v1`. */
  readonly url: string;
  /**
   * Sends the ends of batches to the URL from now on. `name`: the name of the endpoint, by which a later start finds
   * it. Returns the signing secret: `secret`, or the one that the endpoint already has.
   */
  registerWebhook(endpoint: { name: string; url: string; secret?: string | undefined }): string;
  /** Stops the server and its work. The directory can be opened again. */
  close(): Promise<void>;
}

// Longer than a client keeps an idle connection. Node's default of 5 s would cut off running requests.
const KEEP_ALIVE_MS = 65_000;

/** Starts the server on 127.0.0.1. Rejects if the port is in use or the directory is not writable. */
export async function startBatchApi(options: BatchApiOptions): Promise<BatchApiServer> {
  const state = openState(options);
  const webhooks = new Webhooks(state, options.receivers);
  const lifecycle = new Lifecycle(state, webhooks);
  const injector = new FaultInjector(options.faults ?? [], { ...state, seed: options.seed ?? state.seed });
  const { profile, clock } = state;
  const routes = [
    ...fileRoutes(state),
    ...batchRoutes(state, lifecycle, webhooks),
    ...(profile.hasWebhooks ? webhookRoutes(state, webhooks) : []),
  ];
  const serving: Serving = { routes, injector, apiKey: options.apiKey ?? null, profile, clock };
  const underWay = new InFlight();
  const server = createServer((request, response) => {
    response.setHeader('date', new Date(options.clock.now()).toUTCString());
    setProtectiveHeaders(response);
    void underWay.add(answer(serving, request, response));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const release = async () => {
    injector.close();
    await lifecycle.close();
    await webhooks.close();
    await underWay.ended();
    state.database.close();
  };
  try {
    await listen(server, options.port ?? 0);
  } catch (cause) {
    await release();
    throw cause;
  }
  let closed: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${portOf(server)}${profile.basePath}`,
    registerWebhook: (endpoint) => webhooks.register(endpoint),
    async close() {
      server.close();
      server.closeAllConnections();
      closed ??= release();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    const taken = `Port ${port} is already in use: stop the process that uses it, or choose another with --port.`;
    throw error.code === 'EADDRINUSE' ? new Error(taken, { cause: error }) : error;
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the server does not listen on a port');
  return address.port;
}

interface Serving {
  readonly routes: readonly Route[];
  readonly injector: FaultInjector;
  readonly apiKey: string | null;
  readonly profile: Profile;
  readonly clock: Clock;
}

/** Handles one request; never rejects. */
async function answer(
  { routes, injector, apiKey, profile, clock }: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('x-request-id', `req_${randomUUID().replaceAll('-', '')}`);
  if (profile.tellsOrganization) response.setHeader('openai-organization', ORGANIZATION);
  try {
    authorize(request, apiKey, profile);
    const { operation, handle, call } = route({ routes, basePath: profile.basePath }, request, response);
    const shaped = async (asked: Call) => {
      const body = await handle(asked);
      return body === null ? null : oddly(body, profile.shapes, clock.now());
    };
    const body = await injector.run(operation, call, shaped);
    if (body !== null) send(response, 200, body);
  } catch (cause) {
    await refuse(request, response, cause);
  }
}

function authorize(request: IncomingMessage, apiKey: string | null, { keyHeaders }: Profile): void {
  const reason = reasonToRefuse(request);
  if (reason !== undefined) throw new ApiError(403, reason, { code: 'not_from_this_machine' });
  const token = keyHeaders
    .map((name) => String(request.headers[name] ?? ''))
    .map((value) => /^(?:Bearer\s+)?(\S+)$/i.exec(value)?.[1])
    .find((found) => found !== undefined);
  if (token === undefined) {
    throw new ApiError(
      401,
      `You didn't provide an API key. Send it as a bearer token in the ${keyHeaders[0] === 'api-key' ? 'api-key' : 'Authorization'} header.`,
    );
  }
  if (apiKey !== null && token !== apiKey) {
    throw new ApiError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' });
  }
}

async function refuse(request: IncomingMessage, response: ServerResponse, cause: unknown): Promise<void> {
  if (response.headersSent || request.socket.destroyed) {
    response.destroy(); // the client is gone, or the response cannot be completed
    return;
  }
  const refusal = cause instanceof ApiError ? cause : internalError(request, cause);
  try {
    await drain(request);
    send(response, refusal.status, refusal.body(), refusal.headers);
  } catch {
    response.destroy(); // the client disconnected while its body was read
  }
}

function internalError(request: IncomingMessage, cause: unknown): ApiError {
  if (isDiskFull(cause)) return new ApiError(503, DISK_FULL, { type: 'server_error' });
  const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  process.stderr.write(`${printableJson({ code: 'batch_api_error', url: request.url, reason })}\n`);
  return new ApiError(500, 'The server had an error while processing your request.', {
    type: 'server_error',
  });
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  const json = Buffer.from(JSON.stringify(body));
  const described = { 'content-type': 'application/json', 'content-length': json.length };
  response.writeHead(status, { ...described, ...headers }).end(json);
}
