/**
 * A thread with a server that counts the bytes of bodies it receives, and the connections, while the thread that sends
 * them may be blocked. It answers as S3 does to the calls of a multipart upload. `workerData`: where to count.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const UPLOAD_BEGUN = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>';
const counts: Int32Array = workerData;

const server = createServer((request, response) => {
  request.on('data', (chunk: Buffer) => Atomics.add(counts, 0, chunk.length));
  request.on('end', () => response.setHeader('etag', '"e"').end(UPLOAD_BEGUN));
});
server.on('connection', () => Atomics.add(counts, 1, 1));
await once(server.listen(0, '127.0.0.1'), 'listening');
parentPort?.postMessage((server.address() as AddressInfo).port);
