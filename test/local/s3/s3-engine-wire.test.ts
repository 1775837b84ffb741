import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type ChecksumAlgorithm,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type S3Server, s3Client, startS3, temporaryDirectory } from './s3-engine-server.ts';

const home = temporaryDirectory();
const Bucket = 'wire-bucket';
let server: S3Server;
let client: S3Client;

beforeAll(async () => {
  server = await startS3(home.path);
  server.engine.createBucket(Bucket, { versioned: false, eventBridge: false });
  client = s3Client(server);
});

let files = 0;
const dataFiles = (): number => readdirSync(join(home.path, 'data')).length;

beforeEach(() => {
  files = dataFiles();
});

afterAll(async () => {
  client.destroy();
  await server.stop();
  home.remove();
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends exactly the given bytes, unlike an SDK. */
const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
  new Promise<Reply>((resolve, reject) => {
    const target = { host: '127.0.0.1', port: server.port, method, path, headers };
    const call = request(target, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    call.on('error', reject);
    call.end(body);
  });

const code = (reply: Reply): string => /<Code>(.*)<\/Code>/.exec(reply.body)?.[1] ?? '';

const lengthOf = (body: string): Record<string, string> => ({
  'content-length': String(Buffer.byteLength(body)),
});

describe('a streamed body', () => {
  it.each<ChecksumAlgorithm>(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'])(
    'of the unchanged client is stored without its framing, with %s verified on upload and download',
    async (algorithm) => {
      const text = 'a line of the file\n'.repeat(20_000);
      const pieces = Array.from({ length: 10 }, (_, at) =>
        Buffer.from(text.slice(at * 38_000, (at + 1) * 38_000)),
      );
      const Body = Readable.from(pieces);
      const Key = `streamed ${algorithm}`;
      const input = { Bucket, Key, Body, ContentLength: text.length, ChecksumAlgorithm: algorithm };
      const put = await client.send(new PutObjectCommand(input));
      expect(put.ETag).toBe(`"${createHash('md5').update(text).digest('hex')}"`);
      const got = await client.send(new GetObjectCommand({ Bucket, Key }));
      expect(got[`Checksum${algorithm}` as 'ChecksumCRC32']).toMatch(/=$/);
      expect(await got.Body?.transformToString()).toBe(text);
    },
  );

  const chunked = (sha256: string, decoded: number, more: Record<string, string> = {}) => ({
    'content-encoding': 'aws-chunked',
    'x-amz-content-sha256': sha256,
    'x-amz-decoded-content-length': String(decoded),
    ...more,
  });
  const TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  const crc32 = { 'x-amz-trailer': 'x-amz-checksum-crc32' };

  it('with signed chunks is decoded, and the signatures are ignored', async () => {
    const body = '3;chunk-signature=aa\r\nhel\r\n2;chunk-signature=bb\r\nlo\r\n0;chunk-signature=cc\r\n\r\n';
    const headers = { ...chunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 5), ...lengthOf(body) };
    expect((await send('PUT', `/${Bucket}/signed`, headers, body)).status).toBe(200);
    expect((await send('GET', `/${Bucket}/signed`)).body).toBe('hello');
  });

  it('with a signed trailer is verified', async () => {
    const frames = '5;chunk-signature=aa\r\nhello\r\n0;chunk-signature=cc\r\n';
    const trailers = 'x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:dd\r\n\r\n';
    const body = frames + trailers;
    const headers = {
      ...chunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', 5, crc32),
      ...lengthOf(body),
    };
    const put = await send('PUT', `/${Bucket}/trailer`, headers, body);
    expect(put.headers['x-amz-checksum-crc32']).toBe('NhCmhg==');
    expect((await send('GET', `/${Bucket}/trailer`)).body).toBe('hello');
  });

  it.each([
    ['with another checksum', 5, '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', 'BadDigest'],
    ['without the announced trailer', 5, '5\r\nhello\r\n0\r\n\r\n', 'MalformedTrailerError'],
    [
      'with a trailer that is not a checksum',
      5,
      '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:x\r\n\r\n',
      'InvalidRequest',
    ],
    [
      'shorter than announced',
      6,
      '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n',
      'IncompleteBody',
    ],
    [
      'longer than announced',
      4,
      '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n',
      'IncompleteBody',
    ],
    ['without its last chunk', 5, '5\r\nhello\r\n', 'IncompleteBody'],
    ['without any framing', 5, 'hello\r\n', 'InvalidRequest'],
    ['with a chunk longer than its size', 5, '4\r\nhello\r\n0\r\n\r\n', 'InvalidRequest'],
  ])('%s fails and nothing is stored', async (_, decoded, body, expected) => {
    const headers = { ...chunked(TRAILER, decoded, crc32), ...lengthOf(body) };
    const reply = await send('PUT', `/${Bucket}/broken`, headers, body);
    expect([reply.status, code(reply)]).toEqual([400, expected]);
    expect((await send('GET', `/${Bucket}/broken`)).status).toBe(404);
    expect(dataFiles()).toBe(files);
  });

  it('that fails midway leaves its connection usable', async () => {
    const body = `no size\r\n${'x'.repeat(16 * 1024 ** 2)}`;
    const headers = { host: 'x', ...chunked(TRAILER, body.length), ...lengthOf(body) };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect(server.port, '127.0.0.1');
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes;
    });
    socket.write(`PUT /${Bucket}/refused HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
    socket.write(`HEAD /${Bucket} HTTP/1.1\r\nhost: x\r\n\r\n`);
    const statuses = () => received.match(/HTTP\/1.1 \d+/g) ?? [];
    await eventually('two answers', () => statuses().length >= 2);
    expect(statuses()).toEqual(['HTTP/1.1 400', 'HTTP/1.1 200']);
    socket.destroy();
  });

  it('is decoded wherever the network splits it', async () => {
    const { decodeAwsChunked } = await import('../../../local/aws/s3/wire/aws-chunked.ts');
    const framed = Buffer.from(
      'a;chunk-signature=1\r\n0123456789\r\n1\r\nx\r\n0\r\nx-amz-checksum-crc32:q==\r\n\r\n',
    );
    for (let size = 1; size <= framed.length; size++) {
      const cuts = Array.from({ length: Math.ceil(framed.length / size) }, (_, at) =>
        framed.subarray(at * size, (at + 1) * size),
      );
      const trailers = new Map<string, string>();
      const decoded: Buffer[] = [];
      for await (const bytes of decodeAwsChunked(Readable.from(cuts), trailers)) decoded.push(bytes);
      expect(Buffer.concat(decoded).toString()).toBe('0123456789x');
      expect(trailers.get('x-amz-checksum-crc32')).toBe('q==');
    }
  });
});

describe('a plain body', () => {
  const md5 = createHash('md5').update('hello').digest('base64');
  const sha256 = createHash('sha256').update('hello').digest('hex');

  it('that matches its digests is stored', async () => {
    const headers = {
      'content-md5': md5,
      'x-amz-content-sha256': sha256,
      'x-amz-checksum-crc32c': 'mnG7TA==',
    };
    const reply = await send('PUT', `/${Bucket}/digests`, { ...headers, ...lengthOf('hello') }, 'hello');
    expect([reply.status, reply.body]).toEqual([200, '']);
  });

  it.each([
    [{ 'content-md5': md5 }, 'BadDigest'],
    [{ 'content-md5': 'nonsense' }, 'InvalidDigest'],
    [{ 'x-amz-content-sha256': sha256 }, 'XAmzContentSHA256Mismatch'],
    [{ 'x-amz-checksum-crc32': 'NhCmhg==' }, 'BadDigest'],
    [{ 'x-amz-checksum-sha1': 'NhCmhg==' }, 'InvalidRequest'],
    [{ 'x-amz-checksum-crc32': 'NhCmhg==', 'x-amz-checksum-crc32c': 'mnG7TA==' }, 'InvalidRequest'],
    [{ 'x-amz-sdk-checksum-algorithm': 'CRC32' }, 'InvalidRequest'],
  ])('that does not match %j fails and nothing is stored', async (headers, expected) => {
    const reply = await send('PUT', `/${Bucket}/broken`, { ...headers, ...lengthOf('other') }, 'other');
    expect([reply.status, code(reply)]).toEqual([400, expected]);
    expect((await send('GET', `/${Bucket}/broken`)).status).toBe(404);
    expect(dataFiles()).toBe(files);
  });

  it('with an unknown or invalid length fails', async () => {
    const unknown = await send('PUT', `/${Bucket}/k`, { 'transfer-encoding': 'chunked' }, 'hello');
    expect([unknown.status, code(unknown)]).toEqual([411, 'MissingContentLength']);
  });

  it('whose sender disconnects midway leaves no file', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`PUT /${Bucket}/half HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this`);
    await eventually('the half body in a file', () => dataFiles() === files + 1);
    socket.destroy();
    await eventually('the file is removed', () => dataFiles() === files);
    expect((await send('GET', `/${Bucket}/half`)).status).toBe(404);
  });
});

describe('an address', () => {
  it('may have the bucket in its host', async () => {
    const host = { host: `${Bucket}.localhost:${server.port}` };
    await send('PUT', '/virtual//key', { ...host, ...lengthOf('v') }, 'v');
    expect((await send('GET', '/virtual//key', host)).body).toBe('v');
    expect((await send('GET', `/${Bucket}/virtual//key`)).body).toBe('v');
    expect((await send('GET', '/?list-type=2&prefix=virtual', host)).body).toContain(
      '<Key>virtual//key</Key>',
    );
  });

  it('that is not UTF-8 fails', async () => {
    expect(code(await send('GET', `/${Bucket}/%ff`))).toBe('InvalidURI');
    expect(code(await send('GET', `/${Bucket}/%zz`))).toBe('InvalidURI');
  });
});

describe('a presigned URL', () => {
  const signed = (key: string, ageSeconds: number, expires: string, more = '') => {
    const date = new Date(Date.now() - ageSeconds * 1000).toISOString().replace(/[-:]|\.\d+/g, '');
    const credential = 'X-Amz-Credential=local%2F20260101%2Fus-east-1%2Fs3%2Faws4_request';
    const time = `X-Amz-Date=${date}&X-Amz-Expires=${expires}`;
    return `/${Bucket}/${key}?X-Amz-Algorithm=AWS4-HMAC-SHA256&${credential}&${time}&X-Amz-Signature=0${more}`;
  };

  it('uploads and downloads an object, with the signed metadata', async () => {
    // AWS's signer writes the checksum of an empty body into the URL. S3 ignores it.
    const more = '&x-amz-meta-team=blue&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32';
    const put = await send('PUT', signed('signed', 5, '60', more), lengthOf('hello'), 'hello');
    expect([put.status, put.body]).toEqual([200, '']);
    const override = '&response-content-disposition=attachment%3B%20filename%3D%22a.txt%22';
    const got = await send('GET', signed('signed', 5, '60', override));
    expect(got.body).toBe('hello');
    expect(got.headers['x-amz-meta-team']).toBe('blue');
    expect(got.headers['content-disposition']).toBe('attachment; filename="a.txt"');
  });

  it('fails after it has expired', async () => {
    const late = await send('GET', signed('signed', 61, '60'));
    expect([late.status, code(late)]).toEqual([403, 'AccessDenied']);
    expect(late.body).toContain('Request has expired');
  });

  it.each(['', 'soon', '604801', '-1'])('with the expiry %j fails', async (expires) => {
    expect(code(await send('GET', signed('signed', 0, expires)))).toBe('AuthorizationQueryParametersError');
  });
});

describe('a document', () => {
  it('of deletions may have keys with control characters and a thousand references', async () => {
    const keys = ['a\u0001b', '&'.repeat(1000), ' spaced '];
    for (const key of keys) {
      await send('PUT', `/${Bucket}/${encodeURIComponent(key)}`, lengthOf('x'), 'x');
    }
    const element = (text: string) => `<Object><Key>${text}</Key></Object>`;
    const objects = [element('a&#x1;b'), element('&amp;'.repeat(1000)), element(' spaced ')].join('');
    const body = `<Delete>${objects}</Delete>`;
    const contentMd5 = createHash('md5').update(body).digest('base64');
    const headers = { 'content-md5': contentMd5, ...lengthOf(body) };
    expect((await send('POST', `/${Bucket}?delete`, headers, body)).status).toBe(200);
    for (const key of keys) {
      expect((await send('HEAD', `/${Bucket}/${encodeURIComponent(key)}`)).status).toBe(404);
    }
  });

  it.each([
    ['<Delete><Object>', 'MalformedXML'],
    ['<Other/>', 'MalformedXML'],
    ['<!DOCTYPE d [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>', 'MalformedXML'],
    [`<Delete>${'<Object><Key>k</Key></Object>'.repeat(1001)}</Delete>`, 'MalformedXML'],
  ])('that does not list deletions fails', async (body, expected) => {
    const contentMd5 = createHash('md5').update(body).digest('base64');
    const headers = { 'content-md5': contentMd5, ...lengthOf(body) };
    expect(code(await send('POST', `/${Bucket}?delete`, headers, body))).toBe(expected);
  });

  it('of deletions without a digest fails', async () => {
    const body = '<Delete><Object><Key>k</Key></Object></Delete>';
    expect(code(await send('POST', `/${Bucket}?delete`, lengthOf(body), body))).toBe('InvalidRequest');
  });
});
