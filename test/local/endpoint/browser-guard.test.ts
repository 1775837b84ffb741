import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT_OWNER } from '../../../local/aws/iam/caller.ts';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { S3Engine } from '../../../local/aws/s3/engine.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { FunctionUrls } from '../../../local/lambda/function-urls.ts';
import { startBatchApi } from '../../../local/openai/server.ts';

const LONG_AGO = Date.parse('2026-01-02T03:04:05Z');
const OBJECT = '<script>stolen()</script>';
/** A request that looks valid in every way, so that only the guard can refuse it. */
const SIGNED = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=any/20260102/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
};
const BEARER = { authorization: 'Bearer sk-any' };

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface Server {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Record<string, string>;
}

const servers: Server[] = [];
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-guard-'));
  const clock = new VirtualClock({ start: LONG_AGO, speed: 1 });
  const s3 = new S3Engine({ directory: join(directory, 's3'), clock });
  s3.createBucket('files', { versioned: false, eventBridge: false });
  const publicUrls = new FunctionUrls();
  publicUrls.serve([{ name: 'hook', arn: 'arn:hook' }], {
    invoke: async () => 'let in',
    anybody: ACCOUNT_OWNER,
    now: () => clock.now(),
  });
  const functionNow = () => clock.now();
  const endpoint = await startEndpoint({ services: [s3], port: 0, functionNow, publicUrls });
  const api = await startBatchApi({ directory: join(directory, 'openai'), clock });
  servers.push({ name: 'the AWS endpoint', port: endpoint.port, path: '/files/page.html', headers: SIGNED });
  servers.push({
    name: 'the Batch API server',
    port: Number(new URL(api.url).port),
    path: '/v1/batches',
    headers: BEARER,
  });
  closing.push(
    () => rmSync(directory, { recursive: true }),
    () => clock.close(),
    () => s3.close(),
    () => api.close(),
    () => endpoint.close(),
  );
  await call(aws(), 'PUT', { 'content-type': 'text/html', 'content-length': String(OBJECT.length) }, OBJECT);
});

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

function call(
  { port, path, headers }: Pick<Server, 'port' | 'path' | 'headers'>,
  method: string,
  more: Record<string, string>,
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method, path, headers: { ...headers, ...more } };
    const sent = request(options, async (response) => {
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: await text(response),
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const serverAt = (at: number): Server => servers[at] ?? expect.fail('no server');
const aws = () => serverAt(0);
const both = [0, 1];

describe.each(both)('server %i of this machine', (at) => {
  it.each(['127.0.0.1', 'localhost', '[::1]', 'LocalHost', 'files.localhost'])(
    'responds to a program that calls it %s',
    async (name) => {
      const { port } = serverAt(at);
      for (const host of [`${name}:${port}`, name]) {
        expect((await call(serverAt(at), 'GET', { host })).status).not.toBe(403);
      }
    },
  );

  it.each([
    'evil.example',
    'localhost.evil.example',
    'evil-localhost',
    'localhost.',
    '127.0.0.1.nip.io',
    '127.0.0.2',
    '0.0.0.0',
    '[::ffff:127.0.0.1]',
    '2130706433',
    'localhost@evil.example',
    'evil.example#.localhost',
    'evil.example/.localhost',
    '.localhost',
  ])('refuses a page that made its name "%s" resolve to the server', async (name) => {
    for (const host of [name, `${name}:${serverAt(at).port}`]) {
      const { status, body } = await call(serverAt(at), 'GET', { host });
      expect({ status, body }).toEqual({
        status: 403,
        body: expect.stringContaining('call it as 127.0.0.1, localhost or [::1]'),
      });
    }
  });

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
    'refuses a %s from another site, whatever the path',
    async (method) => {
      const server = serverAt(at);
      const fromElsewhere = [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: `http://127.0.0.1:${server.port + 1}` }, // another program of this machine
        { origin: `http://localhost:${server.port}` }, // another name is another origin
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ];
      for (const headers of fromElsewhere) {
        for (const path of [server.path, '/', '/v1/files', '/elsewhere', '/lambda_url/hook/']) {
          expect((await call({ ...server, path }, method, headers)).status).toBe(403);
        }
      }
    },
  );

  it('refuses every origin and site except its own', async () => {
    const server = serverAt(at);
    const own = `http://127.0.0.1:${server.port}`;
    const printable = fc.string({
      unit: fc.integer({ min: 33, max: 126 }).map((c) => String.fromCharCode(c)),
    });
    const origin = fc.oneof(
      printable,
      fc.webUrl(),
      fc.constantFrom(`${own}/`, `${own}.evil.example`, `${own}0`),
    );
    await fc.assert(
      fc.asyncProperty(origin, fc.constantFrom('cross-site', 'same-site', 'anything'), async (from, site) => {
        fc.pre(from.toLowerCase() !== own);
        expect((await call(server, 'POST', { origin: from })).status).toBe(403);
        expect((await call(server, 'GET', { 'sec-fetch-site': site })).status).toBe(403);
      }),
      { numRuns: 50 },
    );
  });

  it('responds to a person who opens its address, and to a page of its own', async () => {
    const server = serverAt(at);
    const own = { origin: `http://127.0.0.1:${server.port}`, 'sec-fetch-site': 'same-origin' };
    expect((await call(server, 'GET', own)).status).toBe(200);
    expect((await call(server, 'GET', { 'sec-fetch-site': 'none' })).status).toBe(200);
  });

  it('keeps a browser from guessing a type and from running the content, whatever the response', async () => {
    const server = serverAt(at);
    const answers = [
      await call(server, 'GET', {}),
      await call({ ...server, path: '/v1/nothing' }, 'GET', {}),
      await call(server, 'GET', { host: 'evil.example' }),
      await call({ ...server, headers: {} }, 'POST', {}),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 403, expect.any(Number)]);
    for (const { headers } of answers) {
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toBe("default-src 'none'; sandbox");
    }
  });

  it("sends the runtime's time in Date, so that another server can follow it", async () => {
    const server = serverAt(at);
    for (const more of [{}, { host: 'evil.example' }]) {
      const { headers } = await call(server, 'GET', more);
      const ahead = Date.parse(headers.date ?? '') - LONG_AGO;
      expect(ahead).toBeGreaterThanOrEqual(0);
      expect(ahead).toBeLessThan(3_600_000);
    }
  });
});

describe('an object that a browser opens', () => {
  const open = (query = '', headers = {}) =>
    call({ ...aws(), path: `/files/page.html${query}`, headers }, 'GET', {});

  it('is saved instead of shown as a page', async () => {
    const { status, headers, body } = await open();
    expect({ status, body }).toEqual({ status: 200, body: OBJECT });
    expect(headers['content-disposition']).toBe('attachment');
  });

  it.each([
    ['inline', 'attachment'],
    ['inline; filename="a b.jsonl"', 'attachment; filename="a b.jsonl"'],
    ['attachment; filename=a', 'attachment; filename=a'],
    ['nonsense', 'attachment'],
    ['', 'attachment'],
  ])('is saved even if its link asks for "%s"', async (asked, sent) => {
    const { headers } = await open(`?response-content-disposition=${encodeURIComponent(asked)}`);
    expect(headers['content-disposition']).toBe(sent);
  });

  it('has the stored disposition for an SDK', async () => {
    expect((await call(aws(), 'GET', {})).headers['content-disposition']).toBeUndefined();
  });
});
