import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendDownload } from '../../../bin/console/files/downloads.ts';
import { refusalFor, sendError } from '../../../bin/console/http/answers.ts';
import { withStoredBody } from '../../../bin/console/http/request-body.ts';

const MEGABYTE = 1024 * 1024;
const closing: (() => unknown)[] = [];

/** The folder for temporary files. */
let folder: string;
let usual: string | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-slow-'));
  usual = process.env.TMPDIR;
  process.env.TMPDIR = folder;
});

afterEach(async () => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
  for (const close of closing.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** Serves on a free port. Returns the port. */
async function serving(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>) {
  const server = createServer((received, response) => {
    answer(received, response).catch((error) => sendError(response, refusalFor(error)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return Number(Object(server.address()).port);
}

describe('a download', () => {
  it('is read from S3 no faster than the client reads it', async () => {
    let read = 0;
    let isOver = false;
    const size = 1_000 * MEGABYTE;
    const port = await serving((_, response) =>
      sendDownload(response, {
        ...{ name: 'large.jsonl', size },
        async *open() {
          try {
            for (; read < size; read += MEGABYTE) yield Buffer.alloc(MEGABYTE);
          } finally {
            isOver = true;
          }
        },
      }),
    );
    const sent = request({ port, host: '127.0.0.1' }).end();
    const [response] = await once(sent, 'response'); // and reads nothing of its body
    await expect.poll(() => read).toBeGreaterThan(0);
    let before = -1;
    while (before !== read) {
      before = read;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(read).toBeLessThan(100 * MEGABYTE); // what sockets hold
    response.destroy();
    await expect.poll(() => isOver).toBe(true); // nothing more is read for a client that left
  });

  it('that breaks off is cut, so that nobody takes the half for the whole', async () => {
    const port = await serving((_, response) =>
      sendDownload(response, {
        ...{ name: 'half.jsonl', size: 100 },
        async *open() {
          yield Buffer.from('half');
          throw new Error('S3 is gone');
        },
      }),
    );
    const [response] = await once(request({ port, host: '127.0.0.1' }).end(), 'response');
    await expect(text(response)).rejects.toThrow('aborted');
  });
});

describe('an upload', () => {
  const type = 'application/jsonl';
  const limits = { type, maxBytes: 1_000 };

  it('is a file that only this user can read, as long as it is needed', async () => {
    let path = '';
    const port = await serving((received, response) =>
      withStoredBody(received, limits, async (stored, bytes) => {
        path = stored;
        response.end(`${bytes} ${readFileSync(stored, 'utf8')}`);
      }),
    );
    const sent = request({
      port,
      host: '127.0.0.1',
      method: 'PUT',
      headers: { 'content-type': type, 'content-length': 5 },
    });
    const [response] = await once(sent.end('hello'), 'response');
    expect(await text(response)).toBe('5 hello');
    await expect.poll(() => existsSync(path)).toBe(false);
  });

  it('that the client gives up leaves nothing, and is never used', async () => {
    let isUsed = false;
    const port = await serving((received) =>
      withStoredBody(received, limits, async () => {
        isUsed = true;
      }),
    );
    const sent = request({
      port,
      host: '127.0.0.1',
      method: 'PUT',
      headers: { 'content-type': type, 'content-length': 500 },
    });
    sent.on('error', () => {});
    sent.write('half');
    await expect.poll(() => readdirSync(folder)).toHaveLength(1);
    sent.destroy();
    await expect.poll(() => readdirSync(folder)).toEqual([]);
    expect(isUsed).toBe(false);
  });
});
