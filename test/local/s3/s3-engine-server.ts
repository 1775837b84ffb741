import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { S3Engine, type S3EngineOptions } from '../../../local/aws/s3/engine.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { clientConfig } from '../endpoint/client-config.ts';

/** The engine on an HTTP server with its own port. */
export interface S3Server {
  readonly engine: S3Engine;
  readonly directory: string;
  readonly port: number;
  readonly url: string;
  /** Stops the server and keeps the directory. */
  stop(): Promise<void>;
}

/** Starts the engine in a new directory or in the directory of an earlier one. */
export async function startS3(
  directory: string,
  onObjectCreated?: S3EngineOptions['onObjectCreated'],
): Promise<S3Server> {
  const clock = new VirtualClock();
  const listener = onObjectCreated === undefined ? {} : { onObjectCreated };
  const engine = new S3Engine({ directory, clock, ...listener });
  const server = createServer((request, response) => void engine.handle(request, response));
  const port = await listening(server);
  return {
    engine,
    directory,
    port,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await engine.close();
      clock.close();
    },
  };
}

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(isPort(address) ? address.port : 0);
    });
  });

const isPort = (address: string | AddressInfo | null): address is AddressInfo =>
  typeof address === 'object' && address !== null;

export const temporaryDirectory = (): { path: string; remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 's3-engine-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

/** The unchanged client, configured as a user would. */
export const s3Client = (server: { readonly url: string }, config: S3ClientConfig = {}): S3Client =>
  new S3Client({ ...clientConfig(server.url), forcePathStyle: true, maxAttempts: 1, ...config });

/** Waits until `condition` is true. Throws after a long time. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
