import { randomUUID } from 'node:crypto';
import type { UnsignedRequest } from './client.ts';

const SAFE_NAME = /^[A-Za-z0-9._-]{1,200}\.jsonl$/;

/**
 * Returns the `POST /files` request for a batch. It streams the file. The length of the whole body is known in advance.
 */
export function uploadRequest(upload: {
  name: string;
  bytes: number;
  body: AsyncIterable<Uint8Array>;
}): UnsignedRequest {
  if (!SAFE_NAME.test(upload.name))
    throw new Error('upload: a name must consist of letters, digits and "._-", and end in .jsonl');
  const boundary = `batchdrop-${randomUUID()}`;
  const head = Buffer.from(
    [
      `--${boundary}`,
      'content-disposition: form-data; name="purpose"',
      '',
      'batch',
      `--${boundary}`,
      `content-disposition: form-data; name="file"; filename="${upload.name}"`,
      'content-type: application/jsonl',
      '',
      '',
    ].join('\r\n'),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    method: 'POST',
    path: '/files',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: { bytes: head.length + upload.bytes + tail.length, pieces: framed(head, upload, tail) },
    ownConnection: true, // a pooled connection may be dead: do not start 200 MB on it
  };
}

async function* framed(
  head: Uint8Array,
  upload: { name: string; bytes: number; body: AsyncIterable<Uint8Array> },
  tail: Uint8Array,
): AsyncGenerator<Uint8Array> {
  yield head;
  let sent = 0;
  for await (const piece of upload.body) {
    sent += piece.length;
    if (sent > upload.bytes) break;
    yield piece;
  }
  // The API must never receive an incomplete or wrong file as if it were complete.
  if (sent !== upload.bytes) {
    throw new Error(
      `upload ${upload.name}: the body has ${sent > upload.bytes ? 'more' : 'fewer'} bytes than the announced ${upload.bytes}`,
    );
  }
  yield tail;
}
