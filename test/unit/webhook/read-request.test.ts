import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { isGenuine } from '../../../functions/shared/adapters/openai/webhook-signature.ts';
import { MAX_BODY_BYTES, readRequest, type WebhookRequest } from '../../../functions/webhook/read-request.ts';
import { SmallWorld } from '../small-world.ts';
import { SIGNING_SECRET, signatureOf, signedRequest } from './signed-webhook.ts';

const SECOND = 1000;
const EVENT = {
  id: 'evt_1',
  object: 'event',
  type: 'batch.completed',
  created_at: 1,
  data: { id: 'batch_1' },
};
const OTHER = `whsec_${Buffer.from('another secret, also 32 bytes ..').toString('base64')}`;
const RAW = 'a raw secret of ü bytes';

const secrets = (...valid: string[]) => ({ current: async () => valid, afterRefusal: async () => [] });
const read = (request: WebhookRequest, ...valid: string[]) =>
  readRequest({ secrets: secrets(...(valid.length > 0 ? valid : [SIGNING_SECRET])), isGenuine }, request);
const withHeader = (request: WebhookRequest, name: string, value: string | undefined): WebhookRequest => ({
  ...request,
  headers: { ...request.headers, [name]: value },
});

describe('a genuine webhook', () => {
  it.each(['batch.completed', 'batch.failed', 'batch.expired', 'batch.cancelled'])(
    'of the type %s says which batch ended',
    async (type) => {
      expect(await read(signedRequest({ ...EVENT, type }))).toEqual({ batchId: 'batch_1' });
    },
  );

  it('needs only one matching signature among several', async () => {
    const request = signedRequest(EVENT);
    const several = `v1,${Buffer.alloc(32).toString('base64')} v2,abc ${request.headers['webhook-signature']}`;
    expect(await read(withHeader(request, 'webhook-signature', several))).toEqual({ batchId: 'batch_1' });
  });

  it('is signed by either of two secrets during a rotation, one of which may be raw text', async () => {
    for (const secret of [SIGNING_SECRET, RAW])
      expect(await read(signedRequest(EVENT, { secret }), SIGNING_SECRET, RAW)).toEqual({
        batchId: 'batch_1',
      });
  });

  it('is what the official SDK accepts as one', async () => {
    const { headers, body } = signedRequest(EVENT);
    const sdk = new OpenAI({ apiKey: 'sk-test' });
    const known = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    const unwrapped = await sdk.webhooks.unwrap(body.toString(), known, SIGNING_SECRET);
    expect(unwrapped).toEqual(EVENT);
  });

  it('of another type is acknowledged and ignored', async () => {
    expect(await read(signedRequest({ ...EVENT, type: 'response.completed' }))).toMatchObject({
      status: 200,
    });
  });

  it('that is malformed is refused', async () => {
    const bodies = [
      '',
      'null',
      '[]',
      '{',
      '{"type":7}',
      '{"type":"batch.failed"}',
      '{"type":"batch.failed","data":{"id":"../x"}}',
    ];
    for (const body of bodies)
      expect(await read(signedRequest(Buffer.from(body))), body).toMatchObject({ status: 400 });
  });
});

describe('any other request', () => {
  const genuine = signedRequest(EVENT);
  const spaced = Buffer.from(JSON.stringify(EVENT).replace(':', ': '));
  const now = Date.now();

  it.each<[string, WebhookRequest, number]>([
    ['without signature', withHeader(genuine, 'webhook-signature', undefined), 401],
    ['without id', withHeader(genuine, 'webhook-id', undefined), 401],
    ['without timestamp', withHeader(genuine, 'webhook-timestamp', undefined), 401],
    ['with an empty signature', withHeader(genuine, 'webhook-signature', 'v1,'), 401],
    [
      'with a signature of another version only',
      withHeader(genuine, 'webhook-signature', `v2,${signatureOf(genuine.body).slice(3)}`),
      401,
    ],
    ['with another id', withHeader(genuine, 'webhook-id', 'wh_2'), 401],
    [
      'with another timestamp',
      withHeader(genuine, 'webhook-timestamp', String(Math.floor(now / SECOND) + 7)),
      401,
    ],
    ['with a timestamp that is not a number', withHeader(genuine, 'webhook-timestamp', 'now'), 401],
    ['with the same JSON in other bytes', { ...genuine, body: spaced }, 401],
    ['signed with another secret', signedRequest(EVENT, { secret: OTHER }), 401],
    ['signed with the secret as text', signedRequest(EVENT, { secret: SIGNING_SECRET.slice(6) }), 401],
    ['older than five minutes', signedRequest(EVENT, { at: now - 310 * SECOND }), 401],
    ['from more than five minutes in the future', signedRequest(EVENT, { at: now + 310 * SECOND }), 401],
    ['of more than 64 KB', signedRequest(Buffer.alloc(MAX_BODY_BYTES + 1, 'x')), 413],
    ['that is not UTF-8', signedRequest(Buffer.from([0x7b, 0xff, 0x7d])), 400],
    ['by GET', { ...genuine, method: 'GET' }, 405],
  ])('%s is refused', async (_, request, status) => {
    expect(await read(request)).toMatchObject({ status });
  });

  it('is refused while there is no secret, without a call to the ledger or the API', async () => {
    expect(await readRequest({ secrets: secrets(), isGenuine }, genuine)).toMatchObject({ status: 401 });
    const fail = () => Promise.reject(new Error('called'));
    const world = new SmallWorld({
      replaced: ({ ledger, api }) => ({
        ledger: Object.fromEntries(
          Object.keys(ledger).map((name) => [name, fail]),
        ) as unknown as typeof ledger,
        api: new Proxy(api, { get: () => fail }),
      }),
    });
    for (const request of [withHeader(genuine, 'webhook-id', 'x'), { ...genuine, method: 'PUT' }])
      expect((await world.webhookRequest(request)).status).toBeGreaterThanOrEqual(400);
    expect(world.metrics.of('WebhooksRefused')).toEqual([1, 1]);
    expect(JSON.stringify(world.log.lines)).not.toContain('batch_1');
    expect(await world.webhookRequest(genuine)).toMatchObject({ status: 503 }); // a genuine one makes calls
  });
});
