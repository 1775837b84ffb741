import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reasonToRefuse, setProtectiveHeaders } from '../../browser-guard.ts';
import { DISK_FULL, isDiskFull } from '../../disk-full.ts';
import { InFlight } from '../../in-flight.ts';
import { printableJson } from '../../unprintable.ts';
import { AccessKeys, type FunctionKeys } from '../iam/access-keys.ts';
import type { Credentials } from '../iam/signature.ts';
import { AwsError } from './aws-error.ts';
import type { AwsService } from './aws-service.ts';
import { notImplemented, readBody } from './json-protocol.ts';
import { sendServiceRefusal } from './service-refusal.ts';

/** The single HTTP endpoint of all local AWS services. */
export interface Endpoint {
  /** `http://127.0.0.1:<port>`, the value for `AWS_ENDPOINT_URL`. */
  readonly url: string;
  readonly port: number;
  /** Stops accepting requests, gives running ones a second to end, then drops open connections. */
  close(): Promise<void>;
}

/** The paths that anybody may call without a signature, like a public URL in the cloud. */
export interface PublicUrls {
  /** The first folder of these paths, with both slashes. It cannot be the name of a bucket or an account. */
  readonly folder: string;
  /** Responds to a request. It never rejects because of the request's content. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

const KEEP_ALIVE_MS = 60_000; // longer than any SDK keeps an idle socket, so that the client closes it first
const CLOSING_GRACE_MS = 1_000;

/**
 * Opens the endpoint on 127.0.0.1. Port 0 picks a free port. Rejects with a message for the user if the port is in use.
 * Closing the endpoint does not close the services.
 */
export async function startEndpoint(options: {
  services: readonly AwsService[];
  port: number;
  /** The functions' access keys. By default, everybody is the account's owner. */
  identities?: FunctionKeys;
  /**
   * The only access key of the account's owner, which must sign every call. By default, any key works and is not
   * verified.
   */
  owner?: Credentials;
  /** The functions' time, in milliseconds since the epoch. By default, the wall clock. */
  functionNow?: () => number;
  /** The only paths that need no signature, even if `owner` is set. */
  publicUrls?: PublicUrls;
}): Promise<Endpoint> {
  const services = new Map(options.services.map((service) => [service.signingName, service]));
  const functionNow = options.functionNow ?? Date.now;
  const keys = new AccessKeys({ ...options, functionNow });
  const { publicUrls } = options;
  const inFlight = new InFlight();
  const server = createServer((request, response) => {
    const time = functionNow();
    response.setHeader('x-batchdrop-time', time); // lets a client compute how long ago something was
    // A Batch API server that is not ours uses this header to follow the functions' time.
    response.setHeader('date', new Date(time).toUTCString());
    setProtectiveHeaders(response);
    void inFlight.add(answer({ services, keys, publicUrls }, request, response));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = 0; // a large upload may be slow
  const port = await listen(server, options.port);
  return { url: `http://127.0.0.1:${port}`, port, close: () => closePromptly(server, inFlight) };
}

interface Serving {
  readonly services: ReadonlyMap<string, AwsService>;
  readonly keys: AccessKeys;
  readonly publicUrls: PublicUrls | undefined;
}

async function answer(
  { services, keys, publicUrls }: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A write after the end emits an error on the response. Without a listener, that would end the process.
  response.on('error', (error) => logDefect(request, error));
  try {
    const reason = reasonToRefuse(request);
    if (reason !== undefined) throw new AwsError('AccessDeniedException', reason, { status: 403 });
    if (publicUrls !== undefined && request.url?.startsWith(publicUrls.folder))
      return await publicUrls.handle(request, response);
    const service = serviceFor(services, request);
    // S3 verifies the hash of a body itself, while it streams.
    const bodyOf = service.signingName === 's3' ? async () => undefined : () => readBody(request);
    const caller = await keys.callerOf(request, bodyOf);
    await service.handle(request, response, caller);
  } catch (error) {
    if (error instanceof AwsError) refuse(request, response, error);
    else failInternally(request, response, error);
  }
}

/** Sends the error in the format of the called service. */
function refuse(request: IncomingMessage, response: ServerResponse, error: AwsError): void {
  request.resume(); // a client that is still sending does not read the response
  sendServiceRefusal(credentialOf(request)?.at(-2), response, error);
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

/** Returns the parts of the credential `<key>/<date>/<region>/<service>/aws4_request` in the header or the query. */
function credentialOf(request: IncomingMessage): string[] | undefined {
  const inHeader = /\bCredential=([^,\s]+)/.exec(request.headers.authorization ?? '')?.[1];
  return (inHeader ?? queryOf(request).get('X-Amz-Credential') ?? undefined)?.split('/');
}

/** Browsers and curl may read objects without credentials. Everything else needs credentials. */
function isAnonymousRead(request: IncomingMessage): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !request.headers.authorization;
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start));
}

function failInternally(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (request.errored && error === request.errored) return; // the client disconnected while sending: not a defect
  const isFull = isDiskFull(error);
  if (!isFull) logDefect(request, error);
  if (response.headersSent || response.destroyed) {
    response.destroy(); // a partial response must not look complete
    return;
  }
  const failure = isFull
    ? new AwsError('ServiceUnavailable', DISK_FULL, { status: 503 })
    : new AwsError('InternalFailure', 'The local endpoint failed; see its log.', { status: 500 });
  sendServiceRefusal(credentialOf(request)?.at(-2), response, failure);
}

function logDefect(request: IncomingMessage, error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const operation = request.headers['x-amz-target'] ?? `${request.method} ${request.url?.split('?')[0]}`;
  console.error(printableJson({ level: 'ERROR', code: 'endpoint_defect', operation, message }));
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `Port ${port} is already in use: stop the process that uses it, or choose another with --port.`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken, { cause: error }) : error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The endpoint has no TCP port.'));
      else resolve(address.port);
    });
  });
}

/**
 * A disconnected client leaves no connection, but its call may still be running. Services must not be closed during it.
 */
async function closePromptly(server: Server, inFlight: InFlight): Promise<void> {
  const closed = promisify(server.close.bind(server))();
  server.closeIdleConnections();
  const ended = closed.then(() => inFlight.ended());
  await Promise.race([ended, setTimeout(CLOSING_GRACE_MS, undefined, { ref: false })]);
  server.closeAllConnections();
  await closed;
}
