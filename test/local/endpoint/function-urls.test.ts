import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { parseStatements } from '../../../local/aws/iam/statement.ts';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { S3Engine } from '../../../local/aws/s3/engine.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { FunctionUrls, functionUrl } from '../../../local/lambda/function-urls.ts';

const NOW = Date.parse('2026-11-29T01:02:03.456Z');
const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:hook';
const OWNER = { accessKeyId: 'BATCHDROPOWNER', secretAccessKey: 'made for this directory' };
const PERMISSIONS = [
  {
    Effect: 'Allow',
    Principal: '*',
    Action: 'lambda:InvokeFunctionUrl',
    Resource: ARN,
    Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } },
  },
  {
    Effect: 'Allow',
    Principal: '*',
    Action: 'lambda:InvokeFunction',
    Resource: ARN,
    Condition: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
  },
];

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Serving {
  /** What the function does with its event. */
  readonly answer?: (event: LambdaFunctionURLEvent) => unknown;
  readonly permissions?: readonly object[];
  readonly reservedConcurrency?: number;
  readonly isStarted?: boolean;
}

/** Returns an endpoint with a function `hook` at a public URL. Calls of the account's owner must be signed. */
async function serving({ answer = () => ({ statusCode: 200 }), ...options }: Serving = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-url-'));
  const clock = new VirtualClock({ start: NOW, speed: 1 });
  const s3 = new S3Engine({ directory, clock });
  const authorizer = new Authorizer();
  const Statement = options.permissions ?? PERMISSIONS;
  const ofResources = new Map([[ARN, parseStatements({ Statement }, 'P')]]);
  authorizer.enforce({ ofRoles: new Map(), trust: new Map(), ofResources }, [], () => undefined);
  const publicUrls = new FunctionUrls();
  const endpoint = await startEndpoint({ services: [s3], port: 0, owner: OWNER, publicUrls });
  const events: LambdaFunctionURLEvent[] = [];
  const { reservedConcurrency } = options;
  const hook = { name: 'hook', arn: ARN, ...(reservedConcurrency !== undefined && { reservedConcurrency }) };
  if (options.isStarted ?? true) {
    publicUrls.serve([hook], {
      invoke: async (arn, event) => {
        expect(arn).toBe(ARN);
        const seen: LambdaFunctionURLEvent = JSON.parse(JSON.stringify(event));
        events.push(seen);
        return await answer(seen);
      },
      anybody: authorizer.throughUrl(),
      now: () => NOW,
    });
  }
  onTestFinished(async () => {
    await endpoint.close();
    await s3.close();
    clock.close();
    rmSync(directory, { recursive: true });
  });
  const url = functionUrl(endpoint.url, 'hook');
  return { endpoint, url, events, call: (path: string, sent: Sent = {}) => call(endpoint.port, path, sent) };
}

interface Sent {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

function call(port: number, path: string, { method = 'POST', headers = {}, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', method, path, headers, agent: false },
      async (response) => {
        const got = await text(response);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: got });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const JSON_TYPE = { 'content-type': 'application/json' };

describe('a request to the URL of a function', () => {
  it('invokes it with the event of Lambda, payload format 2.0', async () => {
    const { events, endpoint } = await serving();
    const headers = {
      ...JSON_TYPE,
      'Webhook-Id': 'wh_1',
      'X-Twice': ['a', 'b'],
      Cookie: 'one=1; two=2',
      'User-Agent': 'a test',
    };
    await call(endpoint.port, '/lambda_url/hook/some%20path/x?a=1&a=2&b=%2F', { headers, body: '{"a":"é"}' });
    const event: LambdaFunctionURLEvent = {
      version: '2.0',
      routeKey: '$default',
      rawPath: '/some%20path/x',
      rawQueryString: 'a=1&a=2&b=%2F',
      cookies: ['one=1', 'two=2'],
      headers: {
        'content-type': 'application/json',
        'webhook-id': 'wh_1',
        'x-twice': 'a, b',
        'user-agent': 'a test',
        host: `127.0.0.1:${endpoint.port}`,
        'content-length': '10',
        connection: 'close',
      },
      queryStringParameters: { a: '1,2', b: '/' },
      requestContext: {
        accountId: 'anonymous',
        apiId: 'hook',
        domainName: `127.0.0.1:${endpoint.port}`,
        domainPrefix: 'hook',
        http: {
          ...{ method: 'POST', path: '/some%20path/x', protocol: 'HTTP/1.1' },
          ...{ sourceIp: '127.0.0.1', userAgent: 'a test' },
        },
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        routeKey: '$default',
        stage: '$default',
        time: '29/Nov/2026:01:02:03 +0000',
        timeEpoch: NOW,
      },
      body: '{"a":"é"}',
      isBase64Encoded: false,
    };
    expect(events).toEqual([event]);
  });

  it('has the path / by default, and no body by default', async () => {
    const { call, events } = await serving();
    for (const path of ['/lambda_url/hook', '/lambda_url/hook/', '/lambda_url/hook?a=1'])
      expect((await call(path, { method: 'GET' })).status).toBe(200);
    expect(events.map(({ rawPath, body, isBase64Encoded }) => ({ rawPath, body, isBase64Encoded }))).toEqual(
      Array.from({ length: 3 }, () => ({ rawPath: '/', body: undefined, isBase64Encoded: false })),
    );
  });

  it.each([
    ['application/octet-stream', Buffer.from([0, 255, 10])],
    ['application/x-www-form-urlencoded', Buffer.from('a=1')],
    ['application/json', Buffer.from([0x22, 0xff, 0x22])], // not UTF-8: as text, it would be another body
  ])('has its %s body in base64', async (type, body) => {
    const { call, events } = await serving();
    await call('/lambda_url/hook/', { headers: { 'content-type': type }, body });
    expect(events[0]).toMatchObject({ body: body.toString('base64'), isBase64Encoded: true });
  });

  it('needs no signature, although every other call does', async () => {
    const { call } = await serving();
    expect((await call('/lambda_url/hook/')).status).toBe(200);
    for (const path of [
      '/',
      '/bucket/key',
      '/lambda_url',
      '//lambda_url/hook/',
      '/LAMBDA_URL/hook/',
      '/x/../lambda_url/hook/',
    ])
      for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
        expect((await call(path, { method })).status, `${method} ${path}`).toBe(403);
  });

  it('reaches only functions with a URL, and nothing else on the endpoint', async () => {
    const { call, events } = await serving();
    for (const path of [
      '/lambda_url/',
      '/lambda_url/other/',
      '/lambda_url/../bucket/key',
      '/lambda_url/%68ook/',
    ])
      expect((await call(path)).status, path).toBe(403);
    expect(events).toEqual([]);
  });

  it('is refused when a web page sends it', async () => {
    const { call, events } = await serving();
    for (const headers of [
      { host: 'evil.example' },
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ])
      expect((await call('/lambda_url/hook/', { headers })).status).toBe(403);
    expect(events).toEqual([]);
  });

  it('is refused above 6 MiB, before the function runs', async () => {
    const { call, events, endpoint } = await serving();
    const largest = Buffer.alloc(6 * 1024 * 1024, 'x');
    expect((await call('/lambda_url/hook/', { body: largest })).status).toBe(200);
    expect(await refusedWhileSending(endpoint.port)).toMatch(/^HTTP\/1\.1 413 /);
    expect(events).toHaveLength(1);
  });

  it('is refused while the functions have not started', async () => {
    const { call } = await serving({ isStarted: false });
    expect((await call('/lambda_url/hook/')).status).toBe(503);
  });

  it.each([0, 1])('is refused without permission %i of a public URL', async (missing) => {
    const { call, events } = await serving({ permissions: PERMISSIONS.filter((_, at) => at !== missing) });
    expect(await call('/lambda_url/hook/')).toMatchObject({ status: 403, body: '{"Message":"Forbidden"}' });
    expect(events).toEqual([]);
  });

  it('waits while the reserved concurrency is used, and a flood of requests is refused', async () => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const answer = async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      return { statusCode: 204 };
    };
    const { call, events } = await serving({ answer, reservedConcurrency: 2 });
    const calls = Array.from({ length: 130 }, () => call('/lambda_url/hook/'));
    const refused: number[] = [];
    for (const each of calls) void each.then(({ status }) => status === 429 && refused.push(status));
    await expect.poll(() => refused.length).toBe(28); // 2 run, 100 wait
    expect(events).toHaveLength(2);
    gate.resolve();
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 204)).toHaveLength(102);
    expect(most).toBe(2);
  });
});

describe('the response of the function', () => {
  it('is what the function returned', async () => {
    const { call } = await serving({
      answer: () => ({
        statusCode: 418,
        headers: { 'Content-Type': 'text/plain', 'X-Other': 'yes' },
        cookies: ['a=1', 'b=2'],
        body: 'short and stout',
      }),
    });
    expect(await call('/lambda_url/hook/')).toMatchObject({
      status: 418,
      headers: { 'content-type': 'text/plain', 'x-other': 'yes', 'set-cookie': ['a=1', 'b=2'] },
      body: 'short and stout',
    });
  });

  it('may be in base64', async () => {
    const { call } = await serving({
      answer: () => ({
        statusCode: 200,
        body: Buffer.from('bytes').toString('base64'),
        isBase64Encoded: true,
      }),
    });
    expect((await call('/lambda_url/hook/')).body).toBe('bytes');
  });

  it('without a status code is the body of the response', async () => {
    const { call } = await serving({ answer: () => ({ ok: true }) });
    expect(await call('/lambda_url/hook/')).toMatchObject({
      status: 200,
      headers: JSON_TYPE,
      body: '{"ok":true}',
    });
  });

  it.each([99, 600, 'none', null, {}])('with the status code %j becomes 502', async (statusCode) => {
    const { call } = await serving({ answer: () => ({ statusCode }) });
    expect((await call('/lambda_url/hook/')).status).toBe(502);
  });

  it('is 502 when the function failed, and reveals nothing about the failure', async () => {
    const { call } = await serving({
      answer: () => {
        throw new Error('the key is sk-1');
      },
    });
    expect(await call('/lambda_url/hook/')).toMatchObject({
      status: 502,
      body: '{"Message":"Internal Server Error"}',
    });
  });
});

/** Sends a body without an end. Returns the response that arrives meanwhile. The server closes the connection. */
async function refusedWhileSending(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}); // the server has closed the connection
  socket.write('POST /lambda_url/hook/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
  const sending = setInterval(() => socket.write(chunk), 1);
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(sending);
  return answer;
}
