import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AwsService } from '../../../local/aws/protocol/aws-service.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { readBody } from '../../../local/aws/protocol/json-protocol.ts';
import { clientConfig } from './client-config.ts';

const HANGS_AFTER_MS = 60_000;

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  vi.restoreAllMocks();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const service = (signingName: string, handle: Handler): AwsService => ({
  signingName,
  handle,
  close: async () => {},
});

/** A service that returns its own name and the request line. */
const echo = (name: string) =>
  service(name, async (request, response) => void response.end(`${name} ${request.method} ${request.url}`));

async function start(services: AwsService[]): Promise<Endpoint> {
  const endpoint = await startEndpoint({ services, port: 0 });
  endings.push(() => endpoint.close());
  return endpoint;
}

const signedFor = (name: string) =>
  `AWS4-HMAC-SHA256 Credential=key/20261121/eu-west-1/${name}/aws4_request, SignedHeaders=host, Signature=0`;
const signed = (name: string) => ({ headers: { authorization: signedFor(name) } });
const text = async (answer: Promise<Response>) => (await answer).text();

describe('the endpoint', () => {
  it('routes a request to the service for which it was signed', async () => {
    const { url } = await start([echo('s3'), echo('sqs')]);
    expect(await text(fetch(`${url}/a`, signed('sqs')))).toBe('sqs GET /a');
    expect(await text(fetch(`${url}/a`, signed('s3')))).toBe('s3 GET /a');
  });

  it('routes a presigned URL to the service in its query', async () => {
    const { url } = await start([echo('s3'), echo('sqs')]);
    const query = `X-Amz-Credential=${encodeURIComponent('key/20261121/us-east-1/s3/aws4_request')}`;
    const answer = fetch(`${url}/bucket/key?${query}`, { method: 'PUT', body: 'x' });
    expect(await text(answer)).toBe(`s3 PUT /bucket/key?${query}`);
  });

  it('allows anonymous reads from S3, and nothing else', async () => {
    const { url } = await start([echo('s3'), echo('sqs')]);
    expect(await text(fetch(`${url}/bucket/key`))).toBe('s3 GET /bucket/key');
    const posted = await fetch(url, { method: 'POST', body: '{}' });
    expect(posted.status).toBe(403);
    expect(await posted.json()).toMatchObject({
      __type: 'MissingAuthenticationTokenException',
      message: expect.stringContaining('not signed'),
    });
  });

  it('fails with the name of a service that it does not have', async () => {
    const { url } = await start([echo('s3')]);
    const answer = await fetch(url, signed('kinesis'));
    expect(answer.status).toBe(501);
    expect(await answer.json()).toMatchObject({
      __type: 'NotImplemented',
      message: expect.stringContaining('"kinesis"'),
    });
  });

  it('returns 500 for a service that fails, logs the reason, and continues', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const failing = service('sqs', () => Promise.reject(new TypeError('a defect')));
    const { url } = await start([failing, echo('s3')]);
    const sqs = new SQSClient({ ...clientConfig(url), maxAttempts: 1 });
    endings.push(() => sqs.destroy());
    await expect(sqs.send(new CreateQueueCommand({ QueueName: 'q' }))).rejects.toThrow(
      expect.objectContaining({
        name: 'InternalFailure',
        $metadata: expect.objectContaining({ httpStatusCode: 500 }),
      }),
    );
    expect(log.mock.calls.join()).toContain('a defect');
    expect(await text(fetch(`${url}/still-there`))).toBe('s3 GET /still-there');
  });

  it('aborts a response that fails halfway, so that it cannot look complete', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { url } = await start([
      service('s3', async (_, response) => {
        response.writeHead(200, { 'content-length': 10 });
        response.write('half');
        throw new Error('lost the other half');
      }),
    ]);
    await expect(text(fetch(`${url}/bucket/key`))).rejects.toThrow();
  });

  it('survives a service that writes after the end', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { url } = await start([
      service('s3', async (_, response) => {
        response.end('done');
        response.write('more');
      }),
    ]);
    expect(await text(fetch(`${url}/a`))).toBe('done');
    await vi.waitUntil(() => log.mock.calls.join().includes('write after end'), HANGS_AFTER_MS);
    expect(await text(fetch(`${url}/still-there`))).toBe('done');
  });

  it('refuses a body that is larger than any valid one', async () => {
    const { url } = await start([
      service(
        'sqs',
        async (request, response) => void response.end(`${(await readBody(request)).length} bytes`),
      ),
    ]);
    const post = async (bytes: number) =>
      fetch(url, { ...signed('sqs'), method: 'POST', body: Buffer.alloc(bytes, 'x') });
    const largest = 16 * 1024 * 1024;
    expect(await text(post(largest))).toBe(`${largest} bytes`);
    const refused = await post(largest + 1);
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({ __type: 'RequestEntityTooLarge' });
  });

  it('survives a client that disconnects while sending', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    let failed = false;
    const reading = service('sqs', async (request) => {
      try {
        for await (const _ of request); // to the end, which never arrives
      } catch (error) {
        failed = true;
        throw error;
      }
    });
    const { url, port } = await start([reading, echo('s3')]);
    const headers = { authorization: signedFor('sqs'), 'content-length': 100 };
    const dying = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers });
    dying.on('error', () => {});
    dying.write('beginning', () => dying.destroy());
    await vi.waitUntil(() => failed, HANGS_AFTER_MS);
    expect(await text(fetch(`${url}/still-there`))).toBe('s3 GET /still-there');
    expect(log).not.toHaveBeenCalled(); // a disconnected client is not a defect
  });

  it('reports a port in use and how to choose another', async () => {
    const { port } = await start([]);
    await expect(startEndpoint({ services: [], port })).rejects.toThrow(
      new RegExp(`Port ${port} is already in use.*--port`),
    );
  });

  it('closes although clients keep idle connections open', async () => {
    const endpoint = await startEndpoint({ services: [echo('s3')], port: 0 });
    const agent = new Agent({ keepAlive: true });
    endings.push(() => agent.destroy());
    await new Promise((resolve) => {
      httpRequest(`${endpoint.url}/a`, { agent }, (response) => response.resume().on('end', resolve)).end();
    });
    await endpoint.close();
    await expect(fetch(endpoint.url)).rejects.toThrow();
  });

  it('closes after the running call of a disconnected client has ended', async () => {
    const states: string[] = [];
    const endpoint = await startEndpoint({
      services: [
        service('s3', async (_, response) => {
          states.push('begun');
          await once(response, 'close');
          await setTimeout(20);
          states.push('ended');
        }),
      ],
      port: 0,
    });
    const client = new AbortController();
    const dying = fetch(`${endpoint.url}/a`, client).catch(() => 'dead');
    await vi.waitUntil(() => states.length > 0, HANGS_AFTER_MS);
    client.abort();
    await endpoint.close();
    states.push('closed');
    await dying;
    expect(states).toEqual(['begun', 'ended', 'closed']);
  });

  it('closes although a request never ends', async () => {
    let arrived = false;
    const endpoint = await startEndpoint({
      services: [
        service('s3', () => {
          arrived = true;
          return new Promise(() => {});
        }),
      ],
      port: 0,
    });
    const hanging = fetch(`${endpoint.url}/a`).catch(() => 'dropped');
    await vi.waitUntil(() => arrived, HANGS_AFTER_MS);
    await endpoint.close();
    expect(await hanging).toBe('dropped');
  });
});
