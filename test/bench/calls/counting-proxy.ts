import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** One request and its response, both read completely. */
export interface Exchange {
  /** The request line and the headers. `body` has the rest. */
  readonly request: IncomingMessage;
  readonly body: Buffer;
  readonly status: number;
  readonly responseBody: Buffer;
}

/** Starts a proxy for a server on this machine. It reports each exchange before the client receives the response. */
export async function startCountingProxy(
  target: string,
  onExchange: (exchange: Exchange) => void,
): Promise<{ url: string; close(): void }> {
  const { hostname, port } = new URL(target);
  // A failure ends the process, because an uncounted call must not look like no call.
  const server = createServer((request, response) => {
    void forward({ hostname, port }, request, response, onExchange);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function forward(
  target: { hostname: string; port: string },
  request: IncomingMessage,
  response: ServerResponse,
  onExchange: (exchange: Exchange) => void,
): Promise<void> {
  const body = await buffer(request);
  const { method, url: path } = request;
  const headers = { ...withoutHopByHop(request.headers), 'content-length': body.length };
  const received = await new Promise<IncomingMessage>((resolve, reject) => {
    send({ ...target, method, path, headers }, resolve)
      .once('error', reject)
      .end(body);
  });
  const responseBody = await buffer(received);
  const status = received.statusCode ?? 0;
  onExchange({ request, body, status, responseBody });
  response.writeHead(status, withoutHopByHop(received.headers)).end(responseBody);
}

/** Removes the headers that concern only one connection, because the proxy has two connections. */
function withoutHopByHop({ connection, expect, 'transfer-encoding': _, ...headers }: IncomingHttpHeaders) {
  return headers;
}
