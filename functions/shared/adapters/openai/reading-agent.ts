import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

/** More than a TLS record. A plain connection often has this much to read. */
const READ_BYTES = 512 * 1024;

/**
 * Returns an agent whose connections read into one buffer. A new buffer for each read would be half of the garbage of a
 * download. Node's HTTP parser copies the bytes of a body out of the buffer before it returns, so they stay valid.
 */
export function createReadingAgent(secure: boolean): http.Agent {
  const options = { keepAlive: true };
  return secure ? new SecureReadingAgent(options) : new ReadingAgent(options);
}

class ReadingAgent extends http.Agent {
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);

  override createConnection(...[options, callback]: Parameters<http.Agent['createConnection']>) {
    return reading(this.#buffer, (onread) => super.createConnection({ ...options, ...onread }, callback));
  }
}

class SecureReadingAgent extends https.Agent {
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);

  override createConnection(...[options, callback]: Parameters<https.Agent['createConnection']>) {
    return reading(this.#buffer, (onread) => super.createConnection({ ...options, ...onread }, callback));
  }
}

type Connection = Duplex | null | undefined;

/**
 * Opens a connection that reads into the buffer. If bytes arrive that no request waits for, the connection is closed.
 */
function reading(buffer: Buffer, open: (options: { onread: object }) => Connection): Connection {
  const callback = (bytes: number): boolean => {
    if (!connection?.emit('data', buffer.subarray(0, bytes))) connection?.destroy();
    return true;
  };
  const connection = open({ onread: { buffer, callback } });
  return connection;
}
