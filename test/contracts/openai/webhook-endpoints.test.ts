import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createWebhookEndpoints,
  type WebhookEndpoints,
} from '../../../functions/shared/adapters/openai/webhook-endpoints.ts';
import { NotAllowed, RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import {
  html,
  json,
  raw,
  reset,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-server.ts';

const KEY = 'sk-of-the-project';
const SECRET = 'whsec_c2VjcmV0';
const ENDPOINT = {
  id: 'whe_1',
  object: 'webhook_endpoint',
  url: 'https://example.com/',
  event_types: ['batch.completed'],
  signing_secret_hint: 'whsec_...V0',
};

let server: ScriptedServer;
let endpoints: WebhookEndpoints;

beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.requests.length = 0;
  const key = async () => ({ apiKey: KEY, project: 'proj_1' });
  endpoints = createWebhookEndpoints({ baseUrl: `${server.url}/v1`, keys: { current: key, refresh: key } });
});

const page = (ids: string[], more: boolean) =>
  json(200, { object: 'list', data: ids.map((id) => ({ ...ENDPOINT, id })), has_more: more });

describe('the list of webhook endpoints', () => {
  it('is read page by page, with the key of the project', async () => {
    server.answerWith(page(['whe_3', 'whe_2'], true), page(['whe_1'], false));
    expect(await endpoints.list()).toEqual(
      ['whe_3', 'whe_2', 'whe_1'].map((id) => ({
        id,
        url: 'https://example.com/',
        eventTypes: ['batch.completed'],
        hint: 'whsec_...V0',
      })),
    );
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/v1/webhook_endpoints?limit=100',
      '/v1/webhook_endpoints?limit=100&after=whe_2',
    ]);
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'openai-project': 'proj_1',
    });
  });

  it('ends although the API always says that there are more', async () => {
    server.answerWith(page(['whe_1'], true));
    expect(await endpoints.list()).toHaveLength(1);
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    ['404 in the words of the API', json(404, { error: { message: 'Unknown request URL', code: null } })],
    ['404 of FastAPI', json(404, { detail: 'Not Found' })],
    ['404 of a gateway', html(404)],
    ['405', raw(405, 'text/plain', 'Method Not Allowed')],
    ['501', json(501, {})],
  ])('does not exist at an API that returns %s', async (_, answer) => {
    server.answerWith(answer);
    expect(await endpoints.list()).toBeUndefined();
  });

  it('omits endpoints without an id or a URL, or with an id that would change the path', async () => {
    const data = [{ ...ENDPOINT, id: '../files' }, { ...ENDPOINT, url: null }, { id: 7 }, null, ENDPOINT];
    server.answerWith(json(200, { data, has_more: false }));
    expect((await endpoints.list())?.map(({ id }) => id)).toEqual(['whe_1']);
  });

  it.each<[string, ScriptedAnswer, typeof NotAllowed | typeof RetryableError]>([
    ['a refused key', json(403, { error: { message: 'Missing scopes: webhooks.read' } }), NotAllowed],
    ['a response that is not a list', json(200, { object: 'list' }), RetryableError],
    ["a gateway's page", html(200), RetryableError],
    ['an outage', json(503, { error: { message: 'overloaded' } }), RetryableError],
    ['a broken connection', reset, RetryableError],
  ])('throws for %s', async (_, answer, kind) => {
    server.answerWith(answer);
    await expect(endpoints.list()).rejects.toBeInstanceOf(kind);
  });
});

describe('an endpoint', () => {
  it('is created, changed, rotated, tested and deleted by the documented calls', async () => {
    const withSecret = json(200, { ...ENDPOINT, signing_secret: SECRET });
    const tested = json(200, { object: 'webhook_endpoint.test', status_code: 401, success: true });
    server.answerWith(withSecret, json(200, ENDPOINT), withSecret, tested, json(200, { deleted: true }));
    const created = await endpoints.create({ name: 'n', url: ENDPOINT.url, eventTypes: ['batch.failed'] });
    expect(created).toMatchObject({ id: 'whe_1', secret: SECRET, hint: 'whsec_...V0' });
    await endpoints.setEventTypes('whe_1', ['batch.failed']);
    expect(await endpoints.rotateSecret('whe_1')).toMatchObject({ secret: SECRET });
    expect(await endpoints.sendTest('whe_1', 'batch.completed')).toBe(401);
    await endpoints.remove('whe_1');
    const sent = server.requests.map(({ method, path, body }) => [method, path, body && JSON.parse(body)]);
    expect(sent).toEqual([
      ['POST', '/v1/webhook_endpoints', { name: 'n', url: ENDPOINT.url, event_types: ['batch.failed'] }],
      ['POST', '/v1/webhook_endpoints/whe_1', { event_types: ['batch.failed'] }],
      ['POST', '/v1/webhook_endpoints/whe_1/rotate_secret', { keep_old_secret_active_for_24_hours: true }],
      ['POST', '/v1/webhook_endpoints/whe_1/test', { event_type: 'batch.completed' }],
      ['DELETE', '/v1/webhook_endpoints/whe_1', ''],
    ]);
  });

  it('that is gone counts as deleted', async () => {
    server.answerWith(json(404, { error: { message: 'No such webhook endpoint' } }));
    await endpoints.remove('whe_1');
    await expect(endpoints.rotateSecret('whe_1')).rejects.toBeInstanceOf(TerminalError);
  });

  it.each<[string, ScriptedAnswer]>([
    ['without its secret', json(200, ENDPOINT)],
    ['without an id', json(200, { ...ENDPOINT, id: null, signing_secret: SECRET })],
    ['of a refusal that repeats the key', json(400, { error: { message: `${KEY}` } })],
    ['that breaks off', reset],
  ])(
    'from a response %s causes an error that shows neither secret nor key, and nothing is sent twice',
    async (_, answer) => {
      server.answerWith(answer);
      const failure = await endpoints.rotateSecret('whe_1').catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(Error);
      expect(inspect(failure)).not.toMatch(/whsec_c2|sk-of/);
      expect(server.requests).toHaveLength(1);
    },
  );

  it('does not count as tested if the response has no status', async () => {
    server.answerWith(json(200, { success: true }));
    await expect(endpoints.sendTest('whe_1', 'batch.completed')).rejects.toBeInstanceOf(RetryableError);
  });
});
