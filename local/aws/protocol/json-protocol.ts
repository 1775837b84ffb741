import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../iam/caller.ts';
import { neededForJson } from '../iam/needed-permissions.ts';
import { AwsError } from './aws-error.ts';
import { Input } from './input.ts';

/** What an operation knows about its call in addition to the input. */
interface Call {
  readonly caller: Caller;
  /** Scheme, host and port that the client called, without a trailing slash. */
  readonly origin: string;
  /** Aborted if the client disconnects before the response. */
  readonly signal: AbortSignal;
}

export type Operation = (input: Input, call: Call) => object | Promise<object>;

/** One service that speaks the AWS JSON protocol. */
export interface JsonProtocol {
  readonly signingName: string;
  readonly contentType: 'application/x-amz-json-1.0' | 'application/x-amz-json-1.1';
  /** The part of `X-Amz-Target` before the dot. */
  readonly targetPrefix: string;
  /** The error code for a missing required field. */
  readonly missingFieldCode: string;
  readonly operations: Readonly<Record<string, Operation>>;
}

// The largest valid request has ten entries of 1 MiB in total, plus base64 and JSON escapes; the rest is margin.
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Handles one AWS JSON request. A client's mistake becomes an error response; only defects are thrown. */
export async function serveJson(
  protocol: JsonProtocol,
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
): Promise<void> {
  try {
    const name = operationName(protocol, request);
    const operation = Object.hasOwn(protocol.operations, name) ? protocol.operations[name] : undefined;
    if (operation === undefined) throw notImplemented(name);
    const input = parseInput(await readBody(request), protocol.missingFieldCode);
    for (const need of neededForJson(protocol.signingName, name, input)) caller.demand(need);
    const call = { caller, origin: originOf(request), signal: goneSignal(response) };
    const answer = await operation(input, call);
    sendJson(response, 200, protocol.contentType, answer);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    sendRefusal(response, error, protocol.contentType);
  }
}

/** Returns the error for an operation that the endpoint does not have. */
export function notImplemented(operation: string): AwsError {
  return new AwsError('NotImplemented', `${operation} is not implemented by this local endpoint.`, {
    status: 501,
  });
}

const bodies = new WeakMap<IncomingMessage, Promise<Buffer>>();

/**
 * Returns the whole body, which may be read again. Throws RequestEntityTooLarge (413) above the size of any valid
 * request.
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  const body = bodies.get(request) ?? receiveBody(request);
  bodies.set(request, body);
  return body;
}

/** By events, because an asynchronous iterator takes as much CPU time as a small call has otherwise. */
function receiveBody(request: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) {
      chunks.push(chunk);
      return;
    }
    request.off('data', take);
    const message = `The request body exceeds ${MAX_BODY_BYTES} bytes.`;
    reject(new AwsError('RequestEntityTooLarge', message, { status: 413 }));
  };
  request.on('data', take);
  request.once('end', () => resolve(Buffer.concat(chunks)));
  request.once('error', reject);
  return promise;
}

/** Sends `answer` as the response body. */
export function sendJson(
  response: ServerResponse,
  status: number,
  contentType: string,
  answer: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(JSON.stringify(answer));
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': body.length,
    'x-amzn-requestid': randomUUID(),
    ...headers,
  });
  response.end(body);
}

/** Sends `error` in the form from which SDKs read the error's name. */
export function sendRefusal(response: ServerResponse, error: AwsError, contentType: string): void {
  const headers: Record<string, string> = { 'x-amzn-errortype': error.code };
  if (error.queryCode !== undefined) headers['x-amzn-query-error'] = `${error.queryCode};Sender`;
  if (error.status === 413) headers.connection = 'close'; // the rest of the body was not read
  // Services disagree on the spelling of "message"; SDKs read both.
  sendJson(
    response,
    error.status,
    contentType,
    { __type: error.code, message: error.message, Message: error.message },
    headers,
  );
}

/** Returns `http://host:port` as the client called it. */
function originOf(request: IncomingMessage): string {
  return `http://${request.headers.host ?? `127.0.0.1:${request.socket.localPort}`}`;
}

function operationName(protocol: JsonProtocol, request: IncomingMessage): string {
  const target = request.headers['x-amz-target'];
  const prefix = `${protocol.targetPrefix}.`;
  if (typeof target === 'string' && target.startsWith(prefix)) return target.slice(prefix.length);
  throw new AwsError(
    'UnknownOperationException',
    `X-Amz-Target is ${target === undefined ? 'missing' : `"${target}"`}; expected "${prefix}<operation>".`,
  );
}

/** Parses a JSON body. An empty body means `{}`. Throws SerializationException for anything but an object. */
export function parseInput(body: Buffer, missingFieldCode: string): Input {
  try {
    return Input.of(body.length === 0 ? {} : JSON.parse(body.toString('utf8')), missingFieldCode);
  } catch (error) {
    if (error instanceof AwsError) throw error;
    throw new AwsError('SerializationException', 'The request body is not JSON.', { cause: error });
  }
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}
