import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that sends scripted responses and records its requests. */
export interface ScriptedServer {
  readonly url: string;
  readonly requests: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[];
  /** Sets the responses to the next requests. The last response is repeated. */
  answerWith(...answers: ScriptedAnswer[]): void;
  close(): Promise<void>;
}

/** Called when the whole request has arrived. */
export type ScriptedAnswer = (response: ServerResponse, request: IncomingMessage) => void;

/** Starts a server on a free port. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const requests: ScriptedServer['requests'] = [];
  let script: ScriptedAnswer[] = [];
  const listener: RequestListener = async (request, response) => {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece);
    } catch {
      return; // the client disconnected, so the request is not complete
    }
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, headers, body: Buffer.concat(pieces).toString() });
    const answer = script.length > 1 ? script.shift() : script[0];
    answer?.(response, request);
  };
  const server = createServer((request, response) => void listener(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answerWith(...answers) {
      script = answers;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Returns a response with JSON. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): ScriptedAnswer {
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Returns a response with the given content type, or with none. */
export function raw(
  status: number,
  contentType: string | undefined,
  body: string | Uint8Array,
): ScriptedAnswer {
  return (response) =>
    response.writeHead(status, contentType === undefined ? {} : { 'content-type': contentType }).end(body);
}

/** Returns a response of a gateway in front of the API, not of the API. */
export function html(status: number): ScriptedAnswer {
  return (response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html><h1>Hello</h1></html>');
}

/** Resets the connection. */
export const reset: ScriptedAnswer = (_, request) => request.socket.resetAndDestroy();

/** Never sends a response. */
export const silence: ScriptedAnswer = () => {};

/** Sends less than announced, then ends the connection. */
export function cutShort(status: number, contentType: string, text: string): ScriptedAnswer {
  return (response) => {
    response.writeHead(status, { 'content-type': contentType, 'content-length': text.length + 100 });
    response.write(text, () => response.destroy());
  };
}
