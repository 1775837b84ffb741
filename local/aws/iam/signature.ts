/**
 * Verifies AWS Signature Version 4, in the Authorization header or in the query of a presigned URL
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 *
 * Known gaps: the chunk signatures of a streaming S3 upload are not verified, only the seed signature over its headers; Signature
 * Version 4A and session tokens are not supported.
 */
import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** An access key. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The parts of a request that its signer fills in. */
export interface Authorization {
  readonly accessKeyId: string;
  /** `<date>/<region>/<service>/aws4_request`. */
  readonly scope: string;
  readonly service: string;
  /** Names in lower case, in the order of the signature. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly time: string;
  readonly isPresigned: boolean;
}

type Signed = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

const ALGORITHM = 'AWS4-HMAC-SHA256';
const CREDENTIAL = /[\s,]Credential=([^,\s]+)/;
const SIGNED_HEADERS = /[\s,]SignedHeaders=([^,\s]+)/;
const SIGNATURE = /[\s,]Signature=([^,\s]+)/;
const SHA256 = /^[0-9a-f]{64}$/;
const MAX_SIGNING_KEYS = 100; // five functions call five services; the owner's programs may name any number

/** Parses the authorization of a request; undefined if it has none or one of another form. */
export function authorizationOf(request: Signed): Authorization | undefined {
  const header = request.headers.authorization;
  return header === undefined ? presignedOf(request) : headerOf(header, request);
}

function headerOf(header: string, { headers }: Signed): Authorization | undefined {
  if (!header.startsWith(`${ALGORITHM} `)) return undefined;
  const field = (pattern: RegExp) => pattern.exec(header)?.[1] ?? '';
  const time = String(headers['x-amz-date'] ?? '');
  return parsed(
    { credential: field(CREDENTIAL), signed: field(SIGNED_HEADERS), signature: field(SIGNATURE), time },
    false,
  );
}

function presignedOf(request: Signed): Authorization | undefined {
  const query = new Map(queryPairs(request));
  if (query.get('X-Amz-Algorithm') !== ALGORITHM) return undefined;
  const field = (name: string) => query.get(`X-Amz-${name}`) ?? '';
  return parsed(
    {
      credential: field('Credential'),
      signed: field('SignedHeaders'),
      signature: field('Signature'),
      time: field('Date'),
    },
    true,
  );
}

function parsed(
  { credential, signed, signature, time }: Record<'credential' | 'signed' | 'signature' | 'time', string>,
  isPresigned: boolean,
): Authorization | undefined {
  const [accessKeyId = '', ...rest] = credential.split('/');
  const [date = '', , service = '', end] = rest;
  if (rest.length !== 4 || end !== 'aws4_request' || accessKeyId === '') return undefined;
  if (!/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(date)) return undefined;
  const signedHeaders = signed.toLowerCase().split(';');
  // Without the host, a signature would be valid at every server.
  if (!signedHeaders.includes('host')) return undefined;
  return { accessKeyId, scope: rest.join('/'), service, signedHeaders, signature, time, isPresigned };
}

/**
 * Returns whether this secret signed this request. `body` is undefined for S3, which verifies the body's hash itself.
 */
export function isSignedWith(
  secretAccessKey: string,
  request: Signed,
  authorization: Authorization,
  body: Uint8Array | undefined,
): boolean {
  const payloadHash = payloadHashOf(request, authorization, body);
  if (payloadHash === undefined || !SHA256.test(authorization.signature)) return false;
  const canonical = canonicalRequest(request, authorization, payloadHash);
  const given = Buffer.from(authorization.signature, 'hex');
  // Node reads headers as Latin-1; a signer may have written them in UTF-8 or in Latin-1.
  return (['utf8', 'latin1'] as const).some((encoding) => {
    const expected = signatureOver(Buffer.from(canonical, encoding), secretAccessKey, authorization);
    return timingSafeEqual(expected, given);
  });
}

/** Returns the time at which the request was signed, in milliseconds since the epoch. */
export function signingTime({ time }: Authorization): number {
  return Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

/**
 * Returns the payload's hash for the canonical request. Undefined if the body does not match the hash that was signed.
 */
function payloadHashOf(
  { headers }: Signed,
  { isPresigned }: Authorization,
  body: Uint8Array | undefined,
): string | undefined {
  const declared = headers['x-amz-content-sha256'];
  if (body === undefined) return isPresigned ? 'UNSIGNED-PAYLOAD' : String(declared ?? '');
  const actual = hash('sha256', body, 'hex');
  return declared === undefined || declared === actual ? actual : undefined;
}

function signatureOver(
  canonical: Uint8Array,
  secretAccessKey: string,
  { scope, time }: Authorization,
): Buffer {
  const hashed = hash('sha256', canonical, 'hex');
  return hmac(signingKey(secretAccessKey, scope), [ALGORITHM, time, scope, hashed].join('\n'));
}

/** The signing keys of this process. Each is valid for a day, a Region and a service. */
const signingKeys = new Map<string, KeyObject>();

function signingKey(secretAccessKey: string, scope: string): KeyObject {
  const name = `${scope} ${secretAccessKey}`;
  const known = signingKeys.get(name);
  if (known) return known;
  if (signingKeys.size >= MAX_SIGNING_KEYS) signingKeys.clear();
  const key = createSecretKey(scope.split('/').reduce(hmac, Buffer.from(`AWS4${secretAccessKey}`)));
  signingKeys.set(name, key);
  return key;
}

function hmac(key: Buffer | KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function canonicalRequest(request: Signed, authorization: Authorization, payloadHash: string): string {
  const { signedHeaders, service } = authorization;
  const headers = signedHeaders.map((name) => `${name}:${headerValue(request, name)}\n`).join('');
  const path = (request.url ?? '/').replace(/\?.*$/s, '');
  return [
    request.method ?? 'GET',
    // For S3, the path is encoded once. For every other service, the path that was sent is encoded once more.
    path
      .split('/')
      .map((segment) => encoded(service === 's3' ? decoded(segment) : segment))
      .join('/'),
    canonicalQuery(request),
    headers,
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

function headerValue({ headers }: Signed, name: string): string {
  const value = headers[name] ?? '';
  return (Array.isArray(value) ? value.join(',') : value).trim().replaceAll(/\s+/g, ' ');
}

function canonicalQuery(request: Signed): string {
  return queryPairs(request)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function queryPairs({ url = '' }: Signed): (readonly [name: string, value: string])[] {
  const start = url.indexOf('?');
  if (start === -1) return [];
  const pairs = url
    .slice(start + 1)
    .split('&')
    .filter((pair) => pair !== '');
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    const [name, value] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    return [decoded(name.replaceAll('+', ' ')), decoded(value.replaceAll('+', ' '))] as const;
  });
}

/** Percent-encodes everything but AWS's unreserved characters. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Percent-decodes. A text that is not UTF-8 remains unchanged, and its signature does not match. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
