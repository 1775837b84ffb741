/**
 * The other side of an upload, in its own process: ranges of one object in an S3 bucket, and `POST /files` of the Batch
 * API, which counts the file's bytes and stores nothing. Its first line of output is its address.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const object = readFileSync(process.argv[2] ?? '');
const SHOWN_BYTES = 2_000; // the multipart head and tail are shorter

const server = createServer((request, response) => {
  if (request.method === 'GET') sendObject(request, response);
  else void takeFile(request, response);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

function sendObject(request: IncomingMessage, response: ServerResponse): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const body = from === undefined ? object : object.subarray(Number(from), Number(to) + 1);
  response.writeHead(from === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': body.length,
    ...(from === undefined ? {} : { 'content-range': `bytes ${from}-${to}/${object.length}` }),
    etag: '"bench"',
    'last-modified': 'Sun, 01 Nov 2026 12:00:00 GMT',
    'x-amz-version-id': 'v1',
  });
  response.end(body);
}

/** Also responds to the create of a batch with the file. */
async function takeFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let [head, tail, bytes] = [Buffer.alloc(0), Buffer.alloc(0), 0];
  for await (const chunk of request) {
    if (head.length < SHOWN_BYTES) head = Buffer.concat([head, chunk.subarray(0, SHOWN_BYTES)]);
    tail = chunk.length >= SHOWN_BYTES ? chunk : Buffer.concat([tail, chunk]).subarray(-SHOWN_BYTES);
    bytes += chunk.length;
  }
  response.setHeader('content-type', 'application/json');
  response.setHeader('openai-organization', 'org-bench');
  const file = { id: 'file-1', object: 'file', purpose: 'batch', bytes: bytes - framing(head, tail) };
  const batch = { id: 'batch_1', object: 'batch', endpoint: '/v1/chat/completions', input_file_id: 'file-1' };
  const created = { ...batch, status: 'validating', created_at: Math.floor(Date.now() / 1000) };
  response.end(JSON.stringify(request.url?.endsWith('/files') ? file : created));
}

/** Returns how many bytes of a multipart body do not belong to the file. A bare body has none. */
function framing(head: Buffer, tail: Buffer): number {
  const start = head.indexOf('filename=');
  if (start < 0) return 0;
  const before = head.indexOf('\r\n\r\n', start) + 4;
  const boundary = head.subarray(0, head.indexOf('\r\n'));
  return before + (tail.length - tail.indexOf(Buffer.concat([Buffer.from('\r\n'), boundary])));
}
