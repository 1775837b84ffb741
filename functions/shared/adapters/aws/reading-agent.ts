import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

/** How much a connection reads at once, and the maximum number of connections to a host; default: no maximum. */
interface ReadingOptions {
  readonly readBytes: number;
  readonly maxSockets?: number;
}

/**
 * Returns an agent whose connections read into one buffer. A new buffer for each read would be half of the garbage of a
 * download. Node's HTTP parser copies the bytes of a body out of the buffer before it returns, so they stay valid.
 * `readBytes` should be more than a TLS record, which has 16 KB. A plain connection often has more to read.
 */
export function createReadingAgent(secure: boolean, { readBytes, ...options }: ReadingOptions): http.Agent {
  const kept = { ...options, keepAlive: true };
  const agent = secure ? new https.Agent(kept) : new http.Agent(kept);
  const connect = agent.createConnection.bind(agent);
  let buffer: Buffer | undefined; // made with the first connection: a client of S3 has two agents and uses one
  agent.createConnection = (to, callback) => {
    buffer ??= Buffer.allocUnsafe(readBytes);
    return reading(buffer, (onread) => connect({ ...to, ...onread }, callback));
  };
  return agent;
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
