import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';

const PIECES = 100;
const PIECE_BYTES = 64 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

it('an upload keeps no piece in memory after sending it', async () => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: 'file-1', object: 'file', bytes: PIECES * PIECE_BYTES }));
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const sent: WeakRef<Uint8Array>[] = [];
  let keptAtTheEnd = PIECES;
  const body = (async function* () {
    for (let piece = 0; piece < PIECES; piece += 1) {
      const bytes = new Uint8Array(PIECE_BYTES);
      sent.push(new WeakRef(bytes));
      yield bytes;
    }
    // The last pieces may still be in the socket, so it checks until they are sent, at most 100 times.
    for (let check = 0; check < 100 && keptAtTheEnd > 5; check += 1) {
      await pause(20);
      collectGarbage();
      keptAtTheEnd = sent.filter((piece) => piece.deref() !== undefined).length;
    }
  })();
  const keys = { current: async () => ({ apiKey: 'sk-test' }), refresh: async () => ({ apiKey: 'sk-test' }) };
  const { port } = server.address() as AddressInfo;
  const api = createOpenAiBatchApi({
    baseUrl: `http://127.0.0.1:${port}/v1`,
    keys,
  });
  try {
    const bytes = PIECES * PIECE_BYTES;
    await api.uploadFile({ name: 'part.jsonl', bytes, body }, new AbortController().signal);
  } finally {
    server.close();
  }
  expect(keptAtTheEnd).toBeLessThanOrEqual(5);
});
