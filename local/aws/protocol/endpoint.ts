import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { InFlight } from '../../in-flight.ts';
import { ACCOUNT_OWNER, type Caller } from '../iam/caller.ts';
import { AwsError } from './aws-error.ts';
import type { AwsService } from './aws-service.ts';
import { notImplemented, sendRefusal } from './json-protocol.ts';

/** The one address on which every AWS service of this machine answers. */
export interface Endpoint {
  /** `http://127.0.0.1:<port>`, as for `AWS_ENDPOINT_URL`. */
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, lets running ones end within a second, and drops what is still open. */
  close(): Promise<void>;
}

const CONTENT_TYPE = 'application/x-amz-json-1.0';
const KEEP_ALIVE_MS = 60_000; // longer than any SDK keeps an idle socket, so that the client is the one to close it
const CLOSING_GRACE_MS = 1_000;
const UNCHECKED = new Set(['scheduler', 'cloudformation']);

/**
 * Opens the endpoint on 127.0.0.1; port 0 takes a free one. Rejects with a plain sentence when the port is taken.
 * The services stay their owner's: closing the endpoint does not close them.
 */
export async function startEndpoint(options: {
  services: readonly AwsService[];
  port: number;
  /** Whoever signs with that access key; without it everybody is the account's owner. */
  callerWith?: (accessKeyId: string | undefined) => Caller;
  /** The time that functions live by, in milliseconds since the epoch; without it the wall's. */
  functionNow?: () => number;
}): Promise<Endpoint> {
  const services = new Map(options.services.map((service) => [service.signingName, service]));
  const callerWith = options.callerWith ?? (() => ACCOUNT_OWNER);
  const functionNow = options.functionNow ?? Date.now;
  const underWay = new InFlight();
  const server = createServer((request, response) => {
    const caller = callerWith(credentialOf(request)?.[0]);
    response.setHeader('x-batchdrop-time', functionNow()); // for those who ask how long ago something was
    // An SDK that reads another time than its own takes any refusal for a matter of clocks, and repeats the call.
    if (caller !== ACCOUNT_OWNER) response.setHeader('date', new Date(functionNow()).toUTCString());
    void underWay.add(answer(services, caller, request, response));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = 0; // a large upload at a slow pace is lawful
  const port = await listen(server, options.port);
  return { url: `http://127.0.0.1:${port}`, port, close: () => closePromptly(server, underWay) };
}

async function answer(
  services: ReadonlyMap<string, AwsService>,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A service that writes after the end makes the response fail; unheard, that would end the process.
  response.on('error', (error) => logDefect(request, error));
  try {
    const service = serviceFor(services, request);
    // These two ask for no permissions themselves, as no function has any business there.
    if (UNCHECKED.has(service.signingName))
      caller.demand({ action: `${service.signingName}:*`, resource: '*' });
    await service.handle(request, response, caller);
  } catch (error) {
    if (error instanceof AwsError) sendRefusal(response, error, CONTENT_TYPE);
    else failInternally(request, response, error);
  }
}

function serviceFor(services: ReadonlyMap<string, AwsService>, request: IncomingMessage): AwsService {
  const signingName = credentialOf(request)?.at(-2) ?? (isAnonymousRead(request) ? 's3' : undefined);
  if (signingName === undefined) {
    throw new AwsError(
      'MissingAuthenticationTokenException',
      'The request is not signed, so its service is unknown: any credentials will do, but there must be some.',
      { status: 403 },
    );
  }
  const service = services.get(signingName);
  if (service === undefined) throw notImplemented(`The service "${signingName}"`);
  return service;
}

/** The credential `<key>/<date>/<region>/<service>/aws4_request` of the header or of the query, in its parts. */
function credentialOf(request: IncomingMessage): string[] | undefined {
  const inHeader = /\bCredential=([^,\s]+)/.exec(request.headers.authorization ?? '')?.[1];
  return (inHeader ?? queryOf(request).get('X-Amz-Credential') ?? undefined)?.split('/');
}

/** Browsers and curl read objects without credentials; nothing else is done without them. */
function isAnonymousRead(request: IncomingMessage): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !request.headers.authorization;
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start));
}

function failInternally(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (request.errored && error === request.errored) return; // the client went away while sending: no defect
  logDefect(request, error);
  if (response.headersSent || response.destroyed) {
    response.destroy(); // half an answer must not look like a whole one
    return;
  }
  sendRefusal(
    response,
    new AwsError('InternalFailure', 'The local endpoint failed; its log says how.', { status: 500 }),
    CONTENT_TYPE,
  );
}

function logDefect(request: IncomingMessage, error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const operation = request.headers['x-amz-target'] ?? `${request.method} ${request.url?.split('?')[0]}`;
  console.error(JSON.stringify({ level: 'ERROR', code: 'endpoint_defect', operation, message }));
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `Port ${port} is already in use: end what uses it, or choose another with --port.`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken, { cause: error }) : error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The endpoint has no TCP port.'));
      else resolve(address.port);
    });
  });
}

/** A client that has died leaves no connection behind, and a call that the services may not be closed under. */
async function closePromptly(server: Server, underWay: InFlight): Promise<void> {
  const closed = promisify(server.close.bind(server))();
  server.closeIdleConnections();
  const ended = closed.then(() => underWay.ended());
  await Promise.race([ended, setTimeout(CLOSING_GRACE_MS, undefined, { ref: false })]);
  server.closeAllConnections();
  await closed;
}
