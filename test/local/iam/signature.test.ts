import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorizationOf, isSignedWith } from '../../../local/aws/iam/signature.ts';
import { Sha256 } from './sha256.ts';

const KEY = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const HOST = '127.0.0.1:4566';

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
}

/** The request that a client wants to send, before it is signed. */
interface Wanted {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const signerFor = (service: string) =>
  new SignatureV4({
    service,
    region: 'us-east-1',
    credentials: KEY,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    applyChecksum: service === 's3',
  });

const asSent = (
  { query, headers, path }: { query?: object; headers: object; path: string },
  method: string,
): Sent => {
  const search = Object.entries(query ?? {}).map(
    ([name, value]) => `${encode(name)}=${encode(String(value))}`,
  );
  const url = search.length === 0 ? path : `${path}?${search.join('&')}`;
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return { method, url, headers: Object.fromEntries(lower) };
};

const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Signs with AWS's own signer, in the header. */
async function signed({ service, method, path, query, headers, body }: Wanted): Promise<Sent> {
  const request = { method, protocol: 'http:', hostname: '127.0.0.1', port: 4566, path, query, body };
  const outcome = await signerFor(service).sign({ ...request, headers: { host: HOST, ...headers } });
  return asSent(outcome, method);
}

/** Signs with AWS's own signer, in the query. */
async function presigned({ service, method, path, query, headers }: Wanted): Promise<Sent> {
  const request = { method, protocol: 'http:', hostname: '127.0.0.1', port: 4566, path, query };
  const unsigned = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
  const outcome = await signerFor(service).presign(
    { ...request, headers: { host: HOST, ...headers, ...unsigned } },
    { expiresIn: 60, unsignableHeaders: new Set(['x-amz-content-sha256']) },
  );
  return asSent(outcome, method);
}

function isAccepted(sent: Sent, body: Buffer | undefined, secret = KEY.secretAccessKey): boolean {
  const authorization = authorizationOf(sent);
  return authorization !== undefined && isSignedWith(secret, sent, authorization, body);
}

const bodyFor = ({ service, body }: Wanted) => (service === 's3' ? undefined : Buffer.from(body));

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
const wanted: fc.Arbitrary<Wanted> = fc
  .record({
    service: fc.constantFrom('s3', 'sqs', 'secretsmanager', 'scheduler'),
    method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
    segments: fc.array(segment, { maxLength: 3 }),
    query: fc.dictionary(segment, text, { maxKeys: 3 }),
    headers: fc.dictionary(
      fc.stringMatching(/^x-amz-meta-[a-z]{1,5}$/),
      fc.stringMatching(/^[!-~]( {0,3}[!-~]){0,6}$/),
      { maxKeys: 3 },
    ),
    body: text,
  })
  .map(({ segments, ...rest }) => ({
    ...rest,
    query: Object.fromEntries(Object.entries(rest.query).filter(([name]) => !/^x-amz/i.test(name))),
    path: `/${segments
      .filter((each) => each !== '.' && each !== '..')
      .map(encode)
      .join('/')}`,
  }));

describe('a signature', () => {
  it("of AWS's own signer is accepted, in a header as in a query", async () => {
    await fc.assert(
      fc.asyncProperty(wanted, async (request) => {
        expect(isAccepted(await signed(request), bodyFor(request))).toBe(true);
        const link = { ...request, service: 's3' };
        expect(isAccepted(await presigned(link), undefined)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused with another secret, or if anything that was signed has changed', async () => {
    const changes: ((sent: Sent) => Sent)[] = [
      (sent) => ({ ...sent, method: sent.method === 'GET' ? 'PUT' : 'GET' }),
      (sent) => ({ ...sent, url: sent.url.replace(/^\/[^?]*/, '$&x') }),
      (sent) => ({ ...sent, url: `${sent.url}${sent.url.includes('?') ? '&' : '?'}more=1` }),
      (sent) => ({ ...sent, headers: { ...sent.headers, host: 'localhost:4566' } }),
      (sent) => ({ ...sent, headers: { ...sent.headers, 'x-amz-date': '20260101T000000Z' } }),
      (sent) => withAuthorization(sent, /Credential=[^/]+\/\d{8}/, 'Credential=AKIDEXAMPLE/20200101'),
      (sent) => withAuthorization(sent, /us-east-1/, 'eu-west-1'),
      (sent) => withAuthorization(sent, /SignedHeaders=[^,]+/, 'SignedHeaders=host'),
      (sent) => withAuthorization(sent, /SignedHeaders=host;?/, 'SignedHeaders='),
      (sent) => withAuthorization(sent, /Signature=./, 'Signature='),
      (sent) => withAuthorization(sent, /Signature=(.)/, (_, c) => `Signature=${c === '0' ? '1' : '0'}`),
      (sent) => withAuthorization(sent, /Signature=.*/, 'Signature='),
      (sent) => withAuthorization(sent, /.*/s, ''),
    ];
    await fc.assert(
      fc.asyncProperty(wanted, async (request) => {
        const sent = await signed(request);
        for (const [nth, change] of changes.entries()) {
          expect({ nth, accepted: isAccepted(change(sent), bodyFor(request)) }).toEqual({
            nth,
            accepted: false,
          });
        }
        expect(isAccepted(sent, bodyFor(request), `${KEY.secretAccessKey}x`)).toBe(false);
        if (request.service !== 's3') expect(isAccepted(sent, Buffer.from(`${request.body}x`))).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('over a body with its hash in a header is refused with another body', async () => {
    const request = { service: 'sqs', method: 'POST', path: '/', query: {}, body: '{"a":1}' };
    const hash = await digestOf(request.body);
    const sent = await signed({ ...request, headers: { 'x-amz-content-sha256': hash } });
    expect(isAccepted(sent, Buffer.from(request.body))).toBe(true);
    expect(isAccepted(sent, Buffer.from('{"a":2}'))).toBe(false);
  });

  it('over a header in UTF-8 is accepted, although Node reads headers as Latin-1', async () => {
    const request = { service: 's3', method: 'PUT', path: '/b/k', query: {}, body: '' };
    const sent = await signed({ ...request, headers: { 'x-amz-meta-name': 'zehn ü €' } });
    const asRead = Buffer.from('zehn ü €').toString('latin1');
    const received = { ...sent, headers: { ...sent.headers, 'x-amz-meta-name': asRead } };
    expect(isAccepted(received, undefined)).toBe(true);
  });

  it('of any text causes no exception', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.string({ maxLength: 60 }), (authorization, url) => {
        const prefixed = `AWS4-HMAC-SHA256 Credential=a/20260101/r/s3/aws4_request,${authorization}`;
        for (const header of [authorization, prefixed]) {
          const request = { method: 'GET', url, headers: { authorization: header, 'x-amz-date': url } };
          expect(isAccepted(request, undefined)).toBe(false);
        }
        expect(
          isAccepted(
            { method: 'GET', url: `/?X-Amz-Algorithm=AWS4-HMAC-SHA256&${url}`, headers: {} },
            undefined,
          ),
        ).toBe(false);
      }),
    );
  });
});

function withAuthorization(
  sent: Sent,
  pattern: RegExp,
  replacement: string | ((...found: string[]) => string),
): Sent {
  const { authorization = '' } = sent.headers;
  const changed =
    typeof replacement === 'string'
      ? authorization.replace(pattern, replacement)
      : authorization.replace(pattern, replacement);
  return { ...sent, headers: { ...sent.headers, authorization: changed } };
}

async function digestOf(body: string): Promise<string> {
  const hash = new Sha256();
  hash.update(body);
  return Buffer.from(await hash.digest()).toString('hex');
}
