import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';

const read = (name: string) => readFileSync(new URL(name, import.meta.url));

/** The certificate file to trust, for NODE_EXTRA_CA_CERTS. */
export const TEST_CA = fileURLToPath(new URL('ca.pem', import.meta.url));

/** Serves a server of this machine, given by its http address, over TLS on `localhost`. */
export async function openTlsFront(httpUrl: string): Promise<{ url: string; close: () => Promise<void> }> {
  const { port: inner, pathname } = new URL(httpUrl);
  const sockets = new Set<Socket>();
  const server = createServer({ key: read('localhost.key.pem'), cert: read('localhost.pem') }, (outside) => {
    const inside = connect(Number(inner), '127.0.0.1');
    for (const [socket, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.on('tlsClientError', () => {}); // a client that does not trust it disconnects
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the front has no port');
  return {
    url: `https://localhost:${address.port}${pathname}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
