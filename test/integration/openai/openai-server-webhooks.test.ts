import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import OpenAI from 'openai';
import type { Webhooks } from 'openai/resources/webhooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { parseFaultPlan } from '../../../local/openai/faults/faults-file.ts';
import {
  type BatchApiUnderTest,
  batchApi,
  chatRows,
  complete,
  createBatch,
  HOUR,
  reaches,
  SECOND,
  temporaryDirectory,
  type UnderTestOptions,
  uploadText,
} from '../../openai/batch-api-under-test.ts';
import { type Answer, type Received, unwrapped, WebhookReceiver } from '../../openai/webhook-receiver.ts';

const ENDS = ['batch.completed', 'batch.failed', 'batch.expired', 'batch.cancelled'] as const;
const MAIN = new URL('../../../local/openai/main.ts', import.meta.url).pathname;

/**
 * Starts a server whose client checks no document, because the official document has no management calls for webhooks.
 */
async function webhookApi(options: UnderTestOptions = {}) {
  const api = await batchApi(options);
  const client = new OpenAI({ apiKey: 'sk-test', baseURL: api.server.url, maxRetries: 0 });
  return { ...api, client };
}

/** The same with an endpoint for every end, and its receiver. */
async function subscribed(options: UnderTestOptions & { answers?: Answer[] } = {}) {
  const { answers, ...more } = options;
  const receiver = await WebhookReceiver.open(answers);
  const api = await webhookApi(more);
  const endpoint = await api.client.webhooks.create({
    ...{ name: 'mine', url: receiver.url, event_types: [...ENDS] },
  });
  const due = () => api.clock.advance(0);
  return { ...api, receiver, endpoint, secret: endpoint.signing_secret, due };
}

const idsOf = (received: readonly Received[]) => received.map(({ headers }) => headers['webhook-id']);
const batchesIn = (received: readonly Received[]) => received.map(({ body }) => JSON.parse(body).data.id);

async function completed(api: BatchApiUnderTest, demanded?: string | object): Promise<string> {
  const fault = typeof demanded === 'object' ? JSON.stringify(demanded) : demanded;
  const headers = fault === undefined ? {} : { 'x-batchdrop-fault': fault };
  const { id } = await api.client.batches.create(
    {
      input_file_id: await uploadText(api.client, `${JSON.stringify(chatRows(1)[0])}\n`),
      ...{ endpoint: '/v1/chat/completions', completion_window: '24h' },
    },
    { headers },
  );
  await complete(api, id);
  return id;
}

describe('the management of endpoints', () => {
  it('shows the signing secret when it is created, and never again', async () => {
    const { client } = await webhookApi();
    const made = await client.webhooks.create({
      ...{ name: 'mine', url: 'https://example.com/hook', event_types: ['batch.completed', 'video.failed'] },
    });
    const shown: Webhooks.WebhookEndpoint = {
      id: expect.stringMatching(/^whe_[0-9a-f]{32}$/),
      object: 'webhook_endpoint',
      created_at: Date.UTC(2026, 10, 1) / 1_000,
      updated_at: Date.UTC(2026, 10, 1) / 1_000,
      name: 'mine',
      url: 'https://example.com/hook',
      event_types: ['batch.completed', 'video.failed'],
      signing_secret_hint: expect.stringMatching(/^whsec_\.\.\.\S{4}$/),
    };
    expect(made).toEqual({ ...shown, signing_secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) });
    expect(made.signing_secret.endsWith(made.signing_secret_hint?.slice(-4) ?? 'none')).toBe(true);
    expect(await client.webhooks.retrieve(made.id)).toEqual(shown);
    expect((await client.webhooks.list()).data).toEqual([shown]);
    expect(await client.webhooks.update(made.id, {})).toEqual(shown);
  });

  it('lists the newest first, page by page', async () => {
    const { client } = await webhookApi();
    for (const name of ['a', 'b', 'c'])
      await client.webhooks.create({ name, url: 'https://example.com', event_types: ['batch.failed'] });
    const page = await client.webhooks.list({ limit: 2 });
    expect(page.data.map(({ name }) => name)).toEqual(['c', 'b']);
    expect(page.has_more).toBe(true);
    const all: string[] = [];
    for await (const { name } of client.webhooks.list({ limit: 1 })) all.push(name);
    expect(all).toEqual(['c', 'b', 'a']);
  });

  it('updates an endpoint, and says when', async () => {
    const { client, clock } = await webhookApi();
    const { id } = await client.webhooks.create({
      ...{ name: 'mine', url: 'https://example.com', event_types: ['batch.failed'] },
    });
    clock.advance(60 * SECOND);
    expect((await client.webhooks.update(id, { name: 'mine' })).updated_at).toBe(
      Date.UTC(2026, 10, 1) / 1_000,
    );
    const changed = await client.webhooks.update(id, {
      url: 'http://127.0.0.1:1/x',
      event_types: ['batch.expired'],
    });
    expect(changed).toMatchObject({
      name: 'mine',
      url: 'http://127.0.0.1:1/x',
      event_types: ['batch.expired'],
    });
    expect(changed.updated_at).toBe(Date.UTC(2026, 10, 1) / 1_000 + 60);
  });

  it('deletes an endpoint with its pending webhooks', async () => {
    const api = await subscribed({ answers: [500] });
    const { client, receiver, endpoint, clock, due } = api;
    await completed(api);
    await receiver.until(1, due);
    expect(await client.webhooks.delete(endpoint.id)).toEqual({
      ...{ id: endpoint.id, object: 'webhook_endpoint.deleted', deleted: true },
    });
    await expect(client.webhooks.retrieve(endpoint.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    expect((await client.webhooks.list()).data).toEqual([]);
    for (let hours = 0; hours < 80; hours++) clock.advance(HOUR);
    await completed(api);
    due();
    expect(receiver.received).toHaveLength(1);
  });

  it.each([
    ['url', { url: 'http://example.com' }],
    ['url', { url: 'http://10.0.0.1/hook' }],
    ['url', { url: 'http://127.0.0.1.example.com/hook' }],
    ['url', { url: 'https://user:word@example.com' }],
    ['url', { url: 'ftp://127.0.0.1' }],
    ['url', { url: 'file:///etc/passwd' }],
    ['url', { url: 'hook' }],
    ['url', { url: `https://example.com/${'x'.repeat(2_048)}` }],
    ['url', { url: 7 }],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(257) }],
    ['event_types', { event_types: [] }],
    ['event_types[1]', { event_types: ['batch.failed', 'batch.begun'] }],
  ])('refuses a bad %s: %j', async (param, change) => {
    const { client } = await webhookApi();
    const fields = { name: 'mine', url: 'https://example.com', event_types: ['batch.failed'], ...change };
    const refused = client.post('/webhook_endpoints', { body: fields });
    await expect(refused).rejects.toMatchObject({ status: 400, param });
    expect((await client.webhooks.list()).data).toEqual([]);
  });

  it('does not exist with the profile of another vendor', async () => {
    const { PROFILES } = await import('../../../local/openai/profiles/profiles.ts');
    const { client } = await webhookApi({ profile: PROFILES.groq });
    await expect(client.webhooks.list()).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('the end of a batch', () => {
  it('is sent as a signed webhook that the official SDK accepts', async () => {
    const api = await subscribed();
    const id = await completed(api);
    const [webhook] = await api.receiver.until(1, api.due);
    if (webhook === undefined) throw new Error('nothing arrived');
    expect(webhook.path).toBe('/hook?of=batchdrop');
    expect(webhook.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^OpenAI\//),
      'webhook-id': expect.stringMatching(/^wh_[0-9a-f]{32}$/),
      'webhook-signature': expect.stringMatching(/^v1,\S{44}$/),
    });
    const { completed_at } = await api.client.batches.retrieve(id);
    expect(await unwrapped(webhook, api.secret)).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
      object: 'event',
      type: 'batch.completed',
      created_at: completed_at,
      data: { id },
    });
    const another = `whsec_${Buffer.from('another secret of 24 b..').toString('base64')}`;
    await expect(unwrapped(webhook, another)).rejects.toThrow(/signature/);
  });

  it('is sent for each way in which a batch can end', async () => {
    const api = await subscribed();
    const { client, clock, receiver, secret, due } = api;
    const failed = await createBatch(client, 'no JSON\n');
    const cancelled = await createBatch(client, chatRows(1));
    await client.batches.cancel(cancelled.id);
    clock.advance(10 * SECOND);
    await reaches(client, failed.id, 'failed');
    clock.advance(20 * SECOND);
    await reaches(client, cancelled.id, 'cancelled');
    const id = await completed(api);
    const expired = await client.batches.create(
      {
        input_file_id: await uploadText(client, `${JSON.stringify(chatRows(1)[0])}\n`),
        ...{ endpoint: '/v1/chat/completions', completion_window: '24h' },
      },
      { headers: { 'x-batchdrop-fault': 'expire' } },
    );
    clock.advance(10 * SECOND);
    await reaches(client, expired.id, 'in_progress');
    clock.advance(100 * SECOND);
    await reaches(client, expired.id, 'finalizing');
    clock.advance(20 * SECOND);
    await reaches(client, expired.id, 'expired');
    const received = await receiver.until(4, due);
    const told = await Promise.all(received.map((webhook) => unwrapped(webhook, secret)));
    expect(told.map(({ type, data }) => [type, Object(data).id])).toEqual([
      ['batch.failed', failed.id],
      ['batch.cancelled', cancelled.id],
      ['batch.completed', id],
      ['batch.expired', expired.id],
    ]);
    expect(new Set(idsOf(received)).size).toBe(4);
  });

  it('is sent only to endpoints that subscribed to its type', async () => {
    const api = await subscribed();
    const other = await WebhookReceiver.open();
    await api.client.webhooks.create({ name: 'other', url: other.url, event_types: ['batch.failed'] });
    await completed(api);
    await createBatch(api.client, 'no JSON\n');
    api.clock.advance(10 * SECOND);
    await api.receiver.until(2, api.due);
    const [only] = await other.until(1, api.due);
    expect(JSON.parse(only?.body ?? '')).toMatchObject({ type: 'batch.failed' });
    expect(other.received).toHaveLength(1);
  });

  it('is sent to a receiver at most eight times at once, and in the end to every receiver', async () => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const held: Answer = async (_, response) => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      response.end();
    };
    const { client, clock, receiver, due } = await subscribed({ answers: Array(40).fill(held) });
    for (let each = 0; each < 40; each++) await createBatch(client, 'no JSON\n');
    clock.advance(10 * SECOND);
    const statuses = async () => (await client.batches.list({ limit: 100 })).data.map(({ status }) => status);
    await expect.poll(statuses, { timeout: 30_000 }).toEqual(Array(40).fill('failed'));
    await receiver.until(8, due);
    due();
    await statuses(); // a ninth one would arrive in this time
    gate.resolve();
    const received = await receiver.until(40, due);
    expect(new Set(batchesIn(received)).size).toBe(40);
    expect(most).toBe(8);
  });
});

describe('a webhook that is not accepted', () => {
  const elsewhere: Answer = (_, response) => response.writeHead(307, { location: '/other' }).end();
  const cut: Answer = (request) => request.socket.destroy();

  it.each<[string, Answer]>([
    ['500', 500],
    ['404', 404],
    ['a redirect, which is not followed', elsewhere],
    ['a closed connection', cut],
    ['no response in time', () => {}],
  ])('is sent again after %s, with the same id and a new signature', async (_, answer) => {
    const api = await subscribed({ answers: [answer], limits: { webhookAnswerMs: 200 } });
    const { receiver, clock, directory, secret } = api;
    const id = await completed(api);
    await receiver.until(1, api.due);
    const sent = () => readAudit(directory).filter(({ event }) => event === 'webhook.sent');
    await expect.poll(sent).toHaveLength(1);
    clock.advance(9 * SECOND);
    expect(receiver.received).toHaveLength(1);
    clock.advance(SECOND);
    const received = await receiver.until(2);
    expect(new Set(idsOf(received)).size).toBe(1);
    expect(received.map(({ path }) => path)).toEqual(['/hook?of=batchdrop', '/hook?of=batchdrop']);
    for (const webhook of received)
      expect(await unwrapped(webhook, secret)).toMatchObject({ type: 'batch.completed', data: { id } });
    await expect.poll(sent).toHaveLength(2);
    expect(sent().at(-1)).toMatchObject({ batchId: id, attempt: 2, status: 200 });
  });

  it('is sent again at growing intervals for 72 hours, then is given up', async () => {
    const api = await subscribed({ answers: Array.from({ length: 99 }, () => 503) });
    const { clock, directory, receiver, due } = api;
    await completed(api);
    await receiver.until(1, due);
    const attempts = () =>
      readAudit(directory).flatMap((entry) => (entry.event === 'webhook.sent' ? [entry.at] : []));
    const isGivenUp = () => readAudit(directory).some(({ event }) => event === 'webhook.given_up');
    for (let waits = 1; !isGivenUp(); waits++) {
      await expect.poll(attempts).toHaveLength(waits);
      if (isGivenUp()) break;
      clock.advance(Math.min(10 * SECOND * 2 ** (waits - 1), 6 * HOUR));
    }
    const all = attempts();
    const [first = 0, ...later] = all;
    const gaps = later.map((at, n) => at - (all[n] ?? Number.NaN));
    expect(gaps.slice(0, 4)).toEqual([10, 20, 40, 80].map((seconds) => seconds * SECOND));
    expect(gaps.at(-1)).toBe(6 * HOUR);
    expect((later.at(-1) ?? 0) - first).toBeLessThanOrEqual(72 * HOUR);
    expect((later.at(-1) ?? 0) - first).toBeGreaterThan(66 * HOUR);
    for (let hours = 0; hours < 80; hours++) clock.advance(HOUR);
    expect(receiver.received).toHaveLength(attempts().length);
  });

  it('is sent again after a restart of the server', async () => {
    const api = await subscribed({ answers: [500] });
    const id = await completed(api);
    await api.receiver.until(1, api.due);
    await expect
      .poll(() => readAudit(api.directory).some(({ event }) => event === 'webhook.sent'))
      .toBe(true);
    await api.server.close();
    await webhookApi({ directory: api.directory, clock: api.clock });
    api.clock.advance(10 * SECOND);
    const received = await api.receiver.until(2);
    expect(batchesIn(received)).toEqual([id, id]);
    expect(new Set(idsOf(received)).size).toBe(1);
  });

  it('does not end the server when a full disk prevents recording it', async () => {
    const api = await subscribed();
    const first = await completed(api);
    const file = join(api.directory, 'audit.jsonl');
    api.receiver.answers.push((_, response) => {
      renameSync(file, `${file}.kept`);
      mkdirSync(file); // nothing can be appended
      response.end();
    });
    await api.receiver.until(1, api.due);
    const { status_code } = await api.client.webhooks.test(api.endpoint.id, { event_type: 'batch.failed' });
    expect(status_code).toBe(200);
    rmdirSync(file);
    renameSync(`${file}.kept`, file);
    const second = await completed(api);
    await api.receiver.until(3, api.due);
    const sent = () =>
      readAudit(api.directory).flatMap((entry) => (entry.event === 'webhook.sent' ? [entry.batchId] : []));
    await expect.poll(sent).toEqual([first, second]);
  });

  it('is sent again after a kill while it was being sent', async () => {
    const directory = temporaryDirectory();
    const receiver = await WebhookReceiver.open([() => {}]); // the first one gets no response
    const first = await startAlone(directory);
    const { signing_secret } = await first.client.webhooks.create({
      ...{ name: 'mine', url: receiver.url, event_types: ['batch.completed'] },
    });
    const { id } = await createBatch(first.client, chatRows(1));
    await receiver.until(1);
    first.server.kill('SIGKILL');
    await once(first.server, 'exit');
    await startAlone(directory);
    const received = await receiver.until(2);
    expect(new Set(idsOf(received)).size).toBe(1);
    for (const webhook of received)
      expect(await unwrapped(webhook, signing_secret)).toMatchObject({ data: { id } });
  });
});

describe('the signing secret', () => {
  it('can be rotated with the old one valid for 24 hours', async () => {
    const api = await subscribed();
    const { client, clock, endpoint, receiver, secret, due } = api;
    const rotated = await client.webhooks.rotateSecret(endpoint.id, {
      keep_old_secret_active_for_24_hours: true,
    });
    expect(rotated.signing_secret).not.toBe(secret);
    expect(rotated.signing_secret_hint).toContain(rotated.signing_secret.slice(-4));
    await completed(api);
    const [both] = await receiver.until(1, due);
    if (both === undefined) throw new Error('nothing arrived');
    expect(String(both.headers['webhook-signature']).split(' ')).toHaveLength(2);
    for (const each of [secret, rotated.signing_secret])
      expect(await unwrapped(both, each)).toMatchObject({ type: 'batch.completed' });
    for (let hours = 0; hours < 24; hours++) clock.advance(HOUR);
    await completed(api);
    const after = (await receiver.until(2, due))[1];
    if (after === undefined) throw new Error('nothing arrived');
    expect(await unwrapped(after, rotated.signing_secret)).toMatchObject({ type: 'batch.completed' });
    await expect(unwrapped(after, secret)).rejects.toThrow(/signature/);
  });

  it('can be rotated at once', async () => {
    const api = await subscribed();
    const { signing_secret } = await api.client.webhooks.rotateSecret(api.endpoint.id);
    await completed(api);
    const [webhook] = await api.receiver.until(1, api.due);
    if (webhook === undefined) throw new Error('nothing arrived');
    expect(await unwrapped(webhook, signing_secret)).toMatchObject({ type: 'batch.completed' });
    await expect(unwrapped(webhook, api.secret)).rejects.toThrow(/signature/);
  });
});

describe('a test of an endpoint', () => {
  it.each([200, 401])('sends a sample and reports that the endpoint returned %i', async (status) => {
    const { client, endpoint, receiver, secret } = await subscribed({ answers: [status] });
    const outcome: Webhooks.WebhookEndpointTestResult = {
      object: 'webhook_endpoint.test',
      webhook_endpoint_id: endpoint.id,
      event_type: 'batch.completed',
      status_code: status,
      success: true,
    };
    expect(await client.webhooks.test(endpoint.id, { event_type: 'batch.completed' })).toEqual(outcome);
    const [webhook] = receiver.received;
    if (webhook === undefined) throw new Error('nothing arrived');
    expect(await unwrapped(webhook, secret)).toMatchObject({
      type: 'batch.completed',
      data: { id: expect.stringMatching(/^batch_[0-9a-f]{32}$/) },
    });
  });

  it('reports that the endpoint does not respond', async () => {
    const { client, endpoint } = await subscribed({ answers: [(request) => request.socket.destroy()] });
    const refused = client.webhooks.test(endpoint.id, { event_type: 'batch.failed' });
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'webhook_endpoint_unreachable' });
  });
});

describe('with the fault', () => {
  it('webhook-lost, none is sent', async () => {
    const api = await subscribed();
    await completed(api, 'webhook-lost');
    const id = await completed(api);
    const received = await api.receiver.until(1, api.due);
    expect(batchesIn(received)).toEqual([id]);
  });

  it('webhook-twice, it is sent twice with the same id', async () => {
    const api = await subscribed();
    const id = await completed(api, 'webhook-twice');
    const received = await api.receiver.until(2, api.due);
    expect(batchesIn(received)).toEqual([id, id]);
    expect(new Set(idsOf(received)).size).toBe(1);
  });

  it('webhook-late, it is sent an hour later', async () => {
    const api = await subscribed();
    const id = await completed(api, 'webhook-late');
    api.clock.advance(HOUR - SECOND);
    const sample = await api.client.webhooks.test(api.endpoint.id, { event_type: 'batch.failed' });
    expect(sample.status_code).toBe(200);
    expect(api.receiver.received).toHaveLength(1); // the sample
    api.clock.advance(SECOND);
    expect(batchesIn(await api.receiver.until(2))[1]).toBe(id);
  });

  it('webhook-out-of-order, it is sent after the webhook of a later end, or alone after a time', async () => {
    const api = await subscribed();
    const first = await completed(api, 'webhook-out-of-order');
    const second = await completed(api);
    expect(batchesIn(await api.receiver.until(2, api.due))).toEqual([second, first]);
    const alone = await completed(api, { fault: 'webhook-out-of-order', seconds: 30 });
    api.due();
    api.clock.advance(30 * SECOND);
    expect(batchesIn(await api.receiver.until(3))).toEqual([second, first, alone]);
  });

  it('webhook-forged, a forged one is also sent, but only once', async () => {
    const api = await subscribed();
    const answerForged: Answer = (_, response) => response.writeHead(401).end();
    api.receiver.answers.push(answerForged);
    const id = await completed(api, 'webhook-forged');
    const received = await api.receiver.until(2, api.due);
    expect(batchesIn(received)).toEqual([id, id]);
    const genuine = await Promise.all(
      received.map((webhook) =>
        unwrapped(webhook, api.secret)
          .then(() => true)
          .catch(() => false),
      ),
    );
    expect(genuine.toSorted()).toEqual([false, true]);
    await expect
      .poll(() => readAudit(api.directory).filter(({ event }) => event === 'webhook.sent'))
      .toHaveLength(2);
    const forged = readAudit(api.directory).filter((entry) => 'isForged' in entry);
    expect(forged).toHaveLength(1);
  });

  it('webhook-wrong-secret, it is signed correctly only when it is sent again', async () => {
    const api = await subscribed({ answers: [401] });
    await completed(api, 'webhook-wrong-secret');
    const [wrong] = await api.receiver.until(1, api.due);
    await expect
      .poll(() => readAudit(api.directory).some(({ event }) => event === 'webhook.sent'))
      .toBe(true);
    api.clock.advance(10 * SECOND);
    const right = (await api.receiver.until(2))[1];
    if (wrong === undefined || right === undefined) throw new Error('nothing arrived');
    await expect(unwrapped(wrong, api.secret)).rejects.toThrow(/signature/);
    expect(await unwrapped(right, api.secret)).toMatchObject({ type: 'batch.completed' });
  });

  it('webhook-early, it is sent before the response to the create, and the batch has ended', async () => {
    const api = await subscribed();
    let isAnswered = false;
    const creating = createBatchWith(api, 'webhook-early').then((batch) => {
      isAnswered = true;
      return batch;
    });
    let heard: boolean | undefined;
    api.receiver.answers.push((_, response) => {
      heard = isAnswered;
      response.end();
    });
    const [webhook] = await api.receiver.until(1, api.due);
    expect(heard).toBe(false);
    const { id } = await creating;
    expect(await unwrapped(Object(webhook), api.secret)).toMatchObject({ data: { id } });
    expect((await api.client.batches.retrieve(id)).status).toBe('completed');
  });

  it('webhook-early and no endpoint, the create gets its response when the batch has ended', async () => {
    const api = await webhookApi();
    let isAnswered = false;
    const creating = createBatchWith(api, 'webhook-early').finally(() => {
      isAnswered = true;
    });
    await expect.poll(() => api.clock.advance(0) ?? isAnswered, { interval: 5 }).toBe(true);
    expect((await api.client.batches.retrieve((await creating).id)).status).toBe('completed');
  });

  it('several of them in a plan, all apply to the same webhook', async () => {
    const faults = parseFaultPlan({
      faults: [
        { fault: 'webhook-twice' },
        { fault: 'webhook-late', seconds: 60 },
        { fault: 'webhook-wrong-secret' },
      ],
    });
    const api = await subscribed({ faults, answers: [401, 401] });
    await completed(api);
    api.due();
    api.clock.advance(60 * SECOND);
    await api.receiver.until(2);
    const sent = () => readAudit(api.directory).filter(({ event }) => event === 'webhook.sent');
    await expect.poll(sent).toHaveLength(2);
    api.clock.advance(10 * SECOND);
    const received = await api.receiver.until(4);
    expect(new Set(idsOf(received)).size).toBe(1);
  });
});

async function createBatchWith({ client }: { client: OpenAI }, fault: string) {
  const input_file_id = await uploadText(client, `${JSON.stringify(chatRows(1)[0])}\n`);
  return await client.batches.create(
    { input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' },
    { headers: { 'x-batchdrop-fault': fault } },
  );
}

/** Starts the server in a process that can be killed. */
async function startAlone(directory: string): Promise<{ server: ChildProcess; client: OpenAI }> {
  const args = [MAIN, '--port', '0', '--directory', directory, '--speed', '5000'];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    server.kill('SIGKILL');
  });
  const [url] = await once(createInterface(Object(server.stdout)), 'line');
  return { server, client: new OpenAI({ apiKey: 'sk-test', baseURL: String(url), maxRetries: 0 }) };
}
