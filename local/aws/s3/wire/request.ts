import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Caller } from '../../iam/caller.ts';
import { S3Error } from '../errors.ts';

/**
 * A request in the form that the operations read: bucket and key come from the address, and presigned parameters are
 * moved to the headers.
 */
export interface S3Request {
  readonly id: string;
  readonly caller: Caller;
  readonly method: string;
  /** Empty for a request to the service itself. */
  readonly bucket: string;
  /** Empty for a request to a bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Readable;
  readonly remoteAddress: string;
}

/** The response of an operation; a stream is read only while the client is connected. */
export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  /** Called once the response is sent or abandoned. */
  readonly sent?: () => void;
}

const MAX_KEY_BYTES = 1024;
const VIRTUAL_HOST_SUFFIX = '.localhost';
const MAX_EXPIRY_SECONDS = 7 * 24 * 60 * 60;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const newRequestId = (): string => randomBytes(8).toString('hex').toUpperCase();

/** Parses the request line and the headers. Throws S3Error for invalid ones. */
export function readRequest(message: IncomingMessage, id: string, caller: Caller): S3Request {
  const url = message.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const query = readQuery(mark === -1 ? '' : url.slice(mark + 1));
  const headers = readHeaders(message);
  if (query.has('X-Amz-Algorithm')) {
    checkExpiry(query);
    moveParametersToHeaders(query, headers);
  }
  return {
    id,
    caller,
    method: message.method ?? 'GET',
    ...readAddress(path, headers.get('host') ?? ''),
    query,
    headers,
    body: message,
    remoteAddress: message.socket.remoteAddress ?? '127.0.0.1',
  };
}

function readAddress(path: string, host: string): { bucket: string; key: string } {
  const hostName = host.replace(/:\d+$/, '');
  if (hostName.endsWith(VIRTUAL_HOST_SUFFIX)) {
    return { bucket: hostName.slice(0, -VIRTUAL_HOST_SUFFIX.length), key: readKey(path.slice(1)) };
  }
  // `URL` would normalize `..` and `//`, which may be part of a key.
  const slash = path.indexOf('/', 1);
  const bucket = percentDecoded(slash === -1 ? path.slice(1) : path.slice(1, slash));
  return { bucket, key: slash === -1 ? '' : readKey(path.slice(slash + 1)) };
}

function readKey(encoded: string): string {
  const key = percentDecoded(encoded);
  checkKeyLength(key);
  return key;
}

/** Throws `KeyTooLongError` above 1,024 bytes of UTF-8. */
export function checkKeyLength(key: string): void {
  const size = Buffer.byteLength(key);
  if (size <= MAX_KEY_BYTES) return;
  throw new S3Error(400, 'KeyTooLongError', 'Your key is too long', {
    details: { Size: String(size), MaxSizeAllowed: String(MAX_KEY_BYTES) },
  });
}

/** Percent-decodes a path and keeps plus signs. Throws `InvalidURI` if the path is not UTF-8. */
export function percentDecoded(encoded: string): string {
  try {
    return decodeURIComponent(strictUtf8.decode(Buffer.from(encoded, 'latin1')));
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.");
  }
}

function readQuery(text: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const mark = pair.indexOf('=');
    const [name, value] = mark === -1 ? [pair, ''] : [pair.slice(0, mark), pair.slice(mark + 1)];
    query.set(percentDecoded(name.replaceAll('+', ' ')), percentDecoded(value.replaceAll('+', ' ')));
  }
  return query;
}

function readHeaders(message: IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}

/** A presigned URL expires by the wall clock, which its signer used, and not by the virtual clock. */
function checkExpiry(query: ReadonlyMap<string, string>): void {
  const signed = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('X-Amz-Date') ?? '');
  const expires = query.get('X-Amz-Expires') ?? '';
  const seconds = /^\d{1,6}$/.test(expires) ? Number(expires) : Number.NaN;
  if (signed === null || !(seconds <= MAX_EXPIRY_SECONDS)) {
    const message = 'A presigned URL needs X-Amz-Date and an X-Amz-Expires of 0 to 604800 seconds.';
    throw new S3Error(400, 'AuthorizationQueryParametersError', message);
  }
  const [, year, month, day, hour, minute, second] = signed;
  const start = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Date.now() <= start + seconds * 1000) return;
  throw new S3Error(403, 'AccessDenied', 'Request has expired', {
    details: { 'X-Amz-Expires': String(seconds), ServerTime: new Date().toISOString() },
  });
}

/**
 * A signer moves x-amz-* headers into the query. All of them count there except checksums, which are computed before
 * the body exists.
 */
function moveParametersToHeaders(query: ReadonlyMap<string, string>, headers: Map<string, string>): void {
  for (const [name, value] of query) {
    if (!name.startsWith('x-amz-') || name.includes('checksum') || headers.has(name)) continue;
    headers.set(name, Buffer.from(value).toString('latin1')); // the form in which Node returns a header's bytes
  }
}
