import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readObject } from '../../functions/shared/adapters/s3/object.ts';
import { openS3Client } from '../../functions/shared/adapters/s3/open-client.ts';
import { LOCAL_ACCOUNT } from '../../local/aws/protocol/aws-service.ts';
import { openTlsFront, TEST_CA } from '../openai/tls/tls-front.ts';
import { localAws } from './ledger/local-dynamodb.ts';
import { openAiForEachTest } from './openai/openai-under-test.ts';
import type { ScriptedAnswer } from './openai/scripted-server.ts';

const openAi = openAiForEachTest();
const trusted = getCACertificates();
const CONTENT = randomBytes(6_000_000);
const SHA256 = sha256([CONTENT]);

beforeAll(() => setDefaultCACertificates([...trusted, readFileSync(TEST_CA, 'utf8')]));
afterAll(() => setDefaultCACertificates(trusted));

const whole: ScriptedAnswer = (response) =>
  response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);

/** Writes pieces of odd lengths with pauses between some of them. */
const inPieces: ScriptedAnswer = async (response) => {
  response.writeHead(200, { 'content-length': CONTENT.length });
  for (let from = 0, turn = 1; from < CONTENT.length; turn += 1) {
    const to = from + ((turn * 7_919) % 70_000) + 1;
    response.write(CONTENT.subarray(from, to));
    if (turn % 16 === 0) await pause(1);
    from = to;
  }
  response.end();
};

/** Reads the content from a server, again with each call. */
type Read = () => AsyncIterable<Uint8Array>;

const READERS: Record<string, (url: string) => { read: Read; close(): void }> = {
  'a file of the Batch API': (url) => {
    const api = openAi.apiAt(`${url}/v1`);
    return { read: () => api.readFile('file-1'), close: () => {} };
  },
  'an object of S3': (url) => {
    const client = openS3Client({ ...localAws(url), forcePathStyle: true });
    const place = { bucket: 'requests', key: 'a.jsonl', owner: LOCAL_ACCOUNT };
    return { read: () => readObject(client, place), close: () => client.destroy() };
  },
};

describe.each(['http', 'https'])('over %s', (protocol) => {
  describe.each(Object.entries(READERS))('%s', (_, reader) => {
    it.each([
      ['at once', whole],
      ['piece after piece', inPieces],
    ])('that arrives %s is correct, however late its pieces are used', async (_, answer) => {
      openAi.server.answerWith(answer);
      await withServer(protocol, async (url) => {
        const { read, close } = reader(url);
        const both = await Promise.all([keptPieces(read, 3), keptPieces(read, 5)]);
        expect(both.map(sha256)).toEqual([SHA256, SHA256]);
        expect(sha256(await keptPieces(read, 1))).toBe(SHA256);
        close();
      });
    });
  });
});

it('bytes that arrive without a request do not count as a response to the next one', async () => {
  const sockets: Socket[] = [];
  const file = JSON.stringify({ id: 'file-1', object: 'file', bytes: 1 });
  const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${file.length}\r\n\r\n${file}`;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const api = openAi.apiAt(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/v1`);
  try {
    expect(await api.fileBytes('file-1')).toBe(1);
    const [first] = sockets;
    const closed = first && once(first, 'close');
    first?.write(answer.replace('"bytes":1', '"bytes":2'));
    await closed;
    expect(await api.fileBytes('file-1')).toBe(1);
    expect(sockets).toHaveLength(2);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

/** Reads the content to its end, and keeps its pieces as they arrived. Waits after every `every` pieces. */
async function keptPieces(read: Read, every: number): Promise<Uint8Array[]> {
  const kept: Uint8Array[] = [];
  for await (const piece of read()) {
    kept.push(piece);
    if (kept.length % every === 0) await pause(1);
  }
  return kept;
}

async function withServer(protocol: string, work: (url: string) => Promise<void>): Promise<void> {
  const { url } = openAi.server;
  if (protocol === 'http') return await work(url);
  const front = await openTlsFront(url);
  try {
    await work(front.url.replace(/\/$/, ''));
  } finally {
    await front.close();
  }
}

function sha256(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
