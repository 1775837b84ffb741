import type { ApiKeySource } from '../../../functions/shared/adapters/openai/api-key.ts';
import {
  createWebhookEndpoints,
  type WebhookEndpoint,
  type WebhookEndpoints,
} from '../../../functions/shared/adapters/openai/webhook-endpoints.ts';
import { NotAllowed } from '../../../functions/shared/domain/errors.ts';
import { apiKeysOf } from '../../connection/api-keys.ts';
import type { Connection } from '../../connection/connection.ts';
import { apiOf, webhookNamesOf } from '../../connection/stack-names.ts';
import { STACK_NAME } from '../../connection/target.ts';
import { Failure } from '../../terminal/failure.ts';
import { StoredWebhookSecret } from './stored-secret.ts';

/** The event types for the ends of a batch: all that WEBHOOK needs. */
export const EVENT_TYPES = ['batch.completed', 'batch.failed', 'batch.expired', 'batch.cancelled'] as const;

/** The webhook setup of a Batchdrop: its URL, its secret, and the endpoints at the API. */
export interface WebhookSetup {
  readonly connection: Connection;
  readonly url: string;
  /** The host of the API. */
  readonly host: string;
  readonly secret: StoredWebhookSecret;
  readonly endpoints: WebhookEndpoints;
}

/** The steps that a user takes at the API by hand. */
export interface ManualSteps {
  readonly url: string;
  readonly eventTypes: readonly string[];
  /** Name or ARN. */
  readonly secret: string;
}

/**
 * Thrown if the API has no calls that manage webhooks, or does not allow them for this key. The lines say what to do by
 * hand.
 */
export class NotManaged extends Failure {
  readonly steps: ManualSteps;
  /** The reason, as a sentence. */
  readonly why: string;

  constructor(why: string, steps: ManualSteps, lines = stepsToEnable(steps)) {
    super(`${why} By hand:`, { lines });
    this.why = why;
    this.steps = steps;
  }

  /** Returns the failure for another command than `enable`. */
  insteadOf(command: 'rotate' | 'disable' | 'test'): NotManaged {
    return new NotManaged(this.why, this.steps, STEPS[command](this.steps));
  }
}

const refuseKey = async () => {
  throw new NotAllowed('only the functions of this machine can read it');
};
const NO_KEY: ApiKeySource = { current: refuseKey, refresh: refuseKey };

/** Finds the setup, runs `work`, and closes the setup. Throws a Failure if the stack does not receive webhooks. */
export async function withWebhookSetup<T>(
  connection: Connection,
  work: (setup: WebhookSetup) => Promise<T>,
): Promise<T> {
  const setup = await webhookSetup(connection);
  if (setup === undefined) {
    throw new Failure(
      `The Batchdrop in the stack ${connection.target.stack ?? STACK_NAME} has no URL for webhooks. Deploy it with the prop webhook, then repeat the command.`,
    );
  }
  try {
    return await work(setup);
  } finally {
    setup.secret.close();
  }
}

/** Returns the setup; undefined for a Batchdrop without the prop `webhook`. Close its `secret`. */
export async function webhookSetup(connection: Connection): Promise<WebhookSetup | undefined> {
  const { target } = connection;
  const names = await webhookNamesOf(target);
  if (names === undefined) return undefined;
  const api = await apiOf(target);
  const { host } = new URL(api.baseUrl);
  const keys = apiKeysOf(target, api) ?? NO_KEY;
  return {
    connection,
    url: names.url,
    host,
    secret: new StoredWebhookSecret(target, names.secret),
    endpoints: createWebhookEndpoints({ baseUrl: api.baseUrl, keys }),
  };
}

/** Returns the endpoints that have our URL, newest first, as the API lists them. Throws NotManaged. */
export async function endpointsOf(setup: WebhookSetup): Promise<WebhookEndpoint[]> {
  return (await everyEndpoint(setup)).filter((endpoint) => isSameUrl(endpoint.url, setup.url));
}

/** Returns the endpoint with one of these ids that has another URL: that of another Batchdrop. Throws NotManaged. */
export async function endpointElsewhere(
  setup: WebhookSetup,
  ids: readonly string[],
): Promise<WebhookEndpoint | undefined> {
  const all = ids.length === 0 ? [] : await everyEndpoint(setup);
  return all.find(({ id, url }) => ids.includes(id) && !isSameUrl(url, setup.url));
}

async function everyEndpoint(setup: WebhookSetup): Promise<WebhookEndpoint[]> {
  const { endpoints, host } = setup;
  const steps = manualSteps(setup);
  const all = await endpoints.list().catch((error: unknown) => {
    if (!(error instanceof NotAllowed)) throw error;
    throw new NotManaged(`The key cannot manage webhooks (${error.message}).`, steps);
  });
  if (all === undefined) {
    throw new NotManaged(`${host} has no calls that manage webhooks.`, steps);
  }
  return all;
}

/** Returns what a user enters by hand. */
export function manualSteps({ url, secret }: WebhookSetup): ManualSteps {
  return { url, eventTypes: EVENT_TYPES, secret: secret.id };
}

const STEPS = {
  rotate: ({ secret }: ManualSteps) => [
    '  1. Rotate the signing secret at the API, and keep the old one valid for a day.',
    '  2. Store both as {"secrets":[{"secret":"NEW"},{"secret":"OLD","until":"2026-01-31T00:00:00Z"}]}:',
    `     aws secretsmanager put-secret-value --secret-id ${secret} --secret-string file://signing-secrets.json`,
  ],
  disable: ({ url, secret }: ManualSteps) => [
    `  Delete this URL at the API: ${url}`,
    `  The secret ${secret} contains no signing secret any more.`,
  ],
  test: () => ['  Send a test event from the page of the API, then: batchdrop webhook status'],
};

function stepsToEnable({ url, eventTypes, secret }: ManualSteps): string[] {
  const put = secret.startsWith('arn:') ? 'put-secret-value --secret-id' : 'create-secret --name';
  return [
    `  1. Enter this URL at the API: ${url}`,
    `  2. Select these events: ${eventTypes.join(', ')}`,
    '  3. Store the signing secret that the API shows, from a file that contains nothing else:',
    `     aws secretsmanager ${put} ${secret} --secret-string file://signing-secret.txt`,
    '  4. After the next batch: batchdrop webhook status',
  ];
}

function isSameUrl(one: string, other: string): boolean {
  const plain = (url: string) => (URL.canParse(url) ? new URL(url).href : url).replace(/\/$/, '');
  return plain(one) === plain(other);
}
