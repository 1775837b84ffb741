/**
 * Both sides of a delivery, in its own process: the Batch API's output file, and a results bucket that has the part's
 * row table, accepts writes and stores their length. Its first line of output is its address.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const [outputPath = '', tablePath = ''] = process.argv.slice(2);
const output = readFileSync(outputPath);
const table = readFileSync(tablePath);

const server = createServer((request, response) => void answer(request, response));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '' } = request;
  if (method === 'GET') return sendTo(response, url);
  request.resume();
  await once(request, 'end');
  response.setHeader('etag', '"bench"');
  if (method === 'POST') response.setHeader('content-type', 'application/xml');
  if (url.includes('?uploads')) {
    response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
  } else if (method === 'POST') {
    response.end('<CompleteMultipartUploadResult><ETag>"bench"</ETag></CompleteMultipartUploadResult>');
  } else response.end();
}

function sendTo(response: ServerResponse, url: string): void {
  response.setHeader('openai-organization', 'org-bench');
  if (url.startsWith('/v1/files/') && !url.endsWith('/content')) {
    const file = { id: 'file-out', object: 'file', purpose: 'batch_output', bytes: output.length };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(file));
    return;
  }
  const body = url.startsWith('/v1/files/') ? output : table;
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': body.length,
    etag: '"bench"',
  });
  response.end(body);
}
