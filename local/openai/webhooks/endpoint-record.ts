import type { Webhooks } from 'openai/resources/webhooks';

/**
 * A URL that receives webhooks, as the server stores it. Times are in milliseconds since the epoch, by the server's
 * clock.
 */
export interface EndpointRecord {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  /** The first is the current one. An older one also signs until its time is over. */
  readonly secrets: readonly { readonly secret: string; readonly untilMs: number | null }[];
  readonly createdMs: number;
  readonly updatedMs: number;
}

const HINT_LENGTH = 4;

/** Returns the endpoint as the API shows it. */
export function endpointOnTheWire(endpoint: EndpointRecord): Webhooks.WebhookEndpoint {
  return {
    id: endpoint.id,
    object: 'webhook_endpoint',
    created_at: Math.floor(endpoint.createdMs / 1_000),
    updated_at: Math.floor(endpoint.updatedMs / 1_000),
    name: endpoint.name,
    url: endpoint.url,
    event_types: [...endpoint.eventTypes],
    signing_secret_hint: `whsec_...${currentSecret(endpoint).slice(-HINT_LENGTH)}`,
  };
}

/** Returns the endpoint with its secret. Only the responses to a create and a rotation contain it. */
export function endpointWithSecret(endpoint: EndpointRecord): Webhooks.WebhookEndpointWithSecret {
  return { ...endpointOnTheWire(endpoint), signing_secret: currentSecret(endpoint) };
}

export function currentSecret({ secrets }: EndpointRecord): string {
  const [current] = secrets;
  if (current === undefined) throw new Error('an endpoint has a secret');
  return current.secret;
}

/** Returns the secrets that sign at `now`. */
export function validSecrets({ secrets }: EndpointRecord, now: number): string[] {
  return secrets.filter(({ untilMs }) => untilMs === null || untilMs > now).map(({ secret }) => secret);
}
