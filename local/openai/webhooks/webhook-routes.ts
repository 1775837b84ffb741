import type { Webhooks as Api } from 'openai/resources/webhooks';
import { inTransaction } from '../../sqlite.ts';
import { ApiError } from '../api-error.ts';
import { type Call, limitOf, page, type Route, readJsonBody, readOptionalJsonBody } from '../router.ts';
import type { ServerState } from '../state.ts';
import { type EndpointRecord, endpointOnTheWire, endpointWithSecret } from './endpoint-record.ts';
import {
  type EndpointSettings,
  parseEndpoint,
  parseEndpointChange,
  parseEventType,
  parseKeepsOldSecret,
} from './endpoint-request.ts';
import { newSecret } from './send-webhook.ts';
import type { Webhooks } from './webhooks.ts';

const MAX_LISTED = 100;
const USUALLY_LISTED = 20;
const OLD_SECRET_MS = 24 * 3_600_000;
const ONE = /^\/v1\/webhook_endpoints\/([^/]+)$/;
const ALL = /^\/v1\/webhook_endpoints$/;

/** The API's operations on the URLs that receive webhooks. */
export function webhookRoutes(state: ServerState, webhooks: Webhooks): Route[] {
  const { store } = webhooks;
  return [
    {
      operation: 'webhook_endpoints.create',
      method: 'POST',
      path: ALL,
      handle: async ({ request }) =>
        endpointWithSecret(webhooks.create(parseEndpoint(await readJsonBody(request)))),
    },
    {
      operation: 'webhook_endpoints.list',
      method: 'GET',
      path: ALL,
      handle: (call) => listEndpoints(webhooks, call),
    },
    {
      operation: 'webhook_endpoints.retrieve',
      method: 'GET',
      path: ONE,
      handle: ({ id }) => endpointOnTheWire(found(webhooks, id)),
    },
    {
      operation: 'webhook_endpoints.update',
      method: 'POST',
      path: ONE,
      handle: async ({ id, request }) => {
        const change = parseEndpointChange(await readJsonBody(request));
        const changed = withSettings(found(webhooks, id), change, state.clock.now());
        store.save(changed);
        return endpointOnTheWire(changed);
      },
    },
    {
      operation: 'webhook_endpoints.delete',
      method: 'DELETE',
      path: ONE,
      handle: ({ id }) => deleteEndpoint(state, webhooks, id),
    },
    {
      operation: 'webhook_endpoints.rotate_secret',
      method: 'POST',
      path: /^\/v1\/webhook_endpoints\/([^/]+)\/rotate_secret$/,
      handle: async ({ id, request }) => {
        const body = await readOptionalJsonBody(request);
        const keepsOld = parseKeepsOldSecret(body.keep_old_secret_active_for_24_hours);
        const rotated = withNewSecret(found(webhooks, id), keepsOld, state.clock.now());
        store.save(rotated);
        return endpointWithSecret(rotated);
      },
    },
    {
      operation: 'webhook_endpoints.test',
      method: 'POST',
      path: /^\/v1\/webhook_endpoints\/([^/]+)\/test$/,
      handle: (call) => testEndpoint(webhooks, call),
    },
  ];
}

function found({ store }: Webhooks, id: string): EndpointRecord {
  const endpoint = store.find(id);
  if (endpoint === undefined) throw new ApiError(404, `No webhook endpoint found with id '${id}'.`);
  return endpoint;
}

function listEndpoints(webhooks: Webhooks, { query }: Call): object {
  const limit = limitOf(query, MAX_LISTED, USUALLY_LISTED);
  const after = query.get('after');
  if (after !== null) found(webhooks, after);
  const endpoints = webhooks.store.newestFirst(limit + 1, after);
  return page(endpoints, limit, endpoints.map(endpointOnTheWire));
}

/** An update that changes nothing is no change. */
function withSettings(
  endpoint: EndpointRecord,
  change: Partial<EndpointSettings>,
  now: number,
): EndpointRecord {
  const changed = { ...endpoint, ...change };
  return JSON.stringify(changed) === JSON.stringify(endpoint) ? endpoint : { ...changed, updatedMs: now };
}

function withNewSecret(endpoint: EndpointRecord, keepsOld: boolean, now: number): EndpointRecord {
  const untilMs = now + OLD_SECRET_MS;
  const old = endpoint.secrets
    .filter((each) => each.untilMs === null || each.untilMs > now)
    .map((each) => ({ ...each, untilMs: each.untilMs ?? untilMs }));
  const secrets = [{ secret: newSecret(), untilMs: null }, ...(keepsOld ? old : [])];
  return { ...endpoint, secrets, updatedMs: now };
}

function deleteEndpoint(
  { database }: ServerState,
  webhooks: Webhooks,
  asked: string,
): Api.DeletedWebhookEndpoint {
  const { id } = found(webhooks, asked);
  inTransaction(database, () => webhooks.store.remove(id));
  return { id, object: 'webhook_endpoint.deleted', deleted: true };
}

/** Errors: 400 if the endpoint does not respond. OpenAI's documentation does not say what happens then. */
async function testEndpoint(
  webhooks: Webhooks,
  { id, request }: Call,
): Promise<Api.WebhookEndpointTestResult> {
  const type = parseEventType((await readJsonBody(request)).event_type);
  const endpoint = found(webhooks, id);
  const outcome = await webhooks.test(endpoint, type);
  if ('problem' in outcome) {
    throw new ApiError(400, `The webhook endpoint did not answer: ${outcome.problem}.`, {
      code: 'webhook_endpoint_unreachable',
    });
  }
  return {
    object: 'webhook_endpoint.test',
    webhook_endpoint_id: endpoint.id,
    event_type: type,
    status_code: outcome.status,
    success: true,
  };
}
