/**
 * Registers a Batchdrop's URL at the API, and stores the signing secret, which the API shows only once.
 *
 * Each command first checks what exists and then does what is missing, so it may be repeated, and interrupted anywhere:
 *   - between creating the endpoint and storing its secret: the endpoint is found by its URL and gets a new secret
 *     (`rotate`)
 *   - between rotating and storing the new secret: the old secret is still stored, and the API also signs with it for
 *     24 hours. The endpoint's hint shows that another secret is the newest, so a new one is made
 *   - between deleting the endpoint and deleting its secret: nothing is signed with a secret that has no endpoint
 *   - if the response to a create was lost, or two run at the same time: all endpoints with our URL except one are
 *     deleted
 *
 * Known gap: when an interrupted rotation is repeated, webhooks are refused until the new secret is stored. The API
 * sends them again.
 */

import type { StoredSecret } from '../../../functions/shared/adapters/openai/stored-signing-secrets.ts';
import type {
  SecretEndpoint,
  WebhookEndpoint,
} from '../../../functions/shared/adapters/openai/webhook-endpoints.ts';
import { serverTime } from '../../connection/server-time.ts';
import { Failure } from '../../terminal/failure.ts';
import { EVENT_TYPES, endpointElsewhere, endpointsOf, NotManaged, type WebhookSetup } from './setup.ts';
import type { ReadSecret } from './stored-secret.ts';

const OLD_SECRET_MS = 24 * 3_600_000; // as long as the API also signs with it
const MAX_OLD_SECRETS = 3;

/** What `enable` did. If all fields are false or 0, nothing had to be done. */
export interface Enabled {
  readonly endpointId: string;
  readonly created: boolean;
  /** The stored secret was not the endpoint's, so the endpoint has a new one. */
  readonly rotated: boolean;
  readonly changedEventTypes: boolean;
  /** Other endpoints with the same URL. */
  readonly removedEndpoints: number;
}

/** Registers the URL and stores its secret, unless this has already been done. Throws NotManaged and other Failures. */
export async function enableWebhooks(setup: WebhookSetup): Promise<Enabled> {
  refuseOneMachine(setup);
  const { endpoints, url, secret, connection } = setup;
  const ours = await endpointsOf(setup);
  const known = await storable(setup);
  const kept = ours.find((each) => isStored(known, each)) ?? ours.at(-1);
  if (kept === undefined) {
    const name = `Batchdrop ${connection.names.instance}`;
    const made = await endpoints.create({ name, url, eventTypes: EVENT_TYPES });
    await secret.replace(known, [entryOf(made)]);
    const nothingElse = { rotated: false, changedEventTypes: false, removedEndpoints: 0 };
    return { endpointId: made.id, created: true, ...nothingElse };
  }
  const rotated = !isStored(known, kept);
  if (rotated) await makeSecret(setup, known, kept);
  const changedEventTypes = missingTypes(kept).length > 0;
  if (changedEventTypes) await endpoints.setEventTypes(kept.id, [...kept.eventTypes, ...missingTypes(kept)]);
  const others = ours.filter(({ id }) => id !== kept.id);
  for (const { id } of others) await endpoints.remove(id);
  return {
    endpointId: kept.id,
    created: false,
    rotated,
    changedEventTypes,
    removedEndpoints: others.length,
  };
}

/** Makes a new signing secret. The old one remains valid for 24 hours. Throws NotManaged and other Failures. */
export async function rotateWebhookSecret(
  setup: WebhookSetup,
): Promise<{ endpointId: string; oldSecretUntil: string | null }> {
  refuseOneMachine(setup);
  const [only, another] = await endpointsOf(setup).catch((failure: unknown) => {
    throw failure instanceof NotManaged ? failure.insteadOf('rotate') : failure;
  });
  if (only === undefined) throw notEnabled(setup);
  if (another !== undefined)
    throw new Failure(
      `Several endpoints at ${setup.host} have the URL ${setup.url}. First run: batchdrop webhook enable`,
    );
  const until = await makeSecret(setup, await storable(setup), only);
  return { endpointId: only.id, oldSecretUntil: until === undefined ? null : new Date(until).toISOString() };
}

/** Deletes the endpoints with our URL, and then the secret. Throws NotManaged after the secret is deleted. */
export async function disableWebhooks(
  setup: WebhookSetup,
): Promise<{ removedEndpoints: number; secret: 'deleted' | 'emptied' | 'absent' }> {
  refuseOneMachine(setup);
  const ours = await endpointsOf(setup).catch(async (failure: unknown) => {
    if (failure instanceof NotManaged) await setup.secret.remove();
    throw failure instanceof NotManaged ? failure.insteadOf('disable') : failure;
  });
  for (const { id } of ours) await setup.endpoints.remove(id);
  const isOfAnother = (await ownerElsewhere(setup, await setup.secret.read())) !== undefined;
  return { removedEndpoints: ours.length, secret: isOfAnother ? 'absent' : await setup.secret.remove() };
}

/** On one machine, the runtime stores the signing secret at each start, in memory. */
function refuseOneMachine({ connection }: WebhookSetup): void {
  if (connection.target.kind === 'account') return;
  throw new Failure(
    'A runtime on this machine sets up its webhooks itself. For a deployed stack, add --stack or --region.',
  );
}

/** Returns the Failure for a URL that is not registered. */
export function notEnabled({ host, url }: WebhookSetup): Failure {
  return new Failure(`No endpoint at ${host} has the URL ${url}. First run: batchdrop webhook enable`);
}

/** Returns whether the endpoint's newest secret is stored, according to its hint. */
export function isStored(known: ReadSecret, { id, hint }: WebhookEndpoint): boolean {
  return currentOf(known).some(
    (entry) =>
      entry.endpoint === id && (hint === undefined || entry.hint === undefined || entry.hint === hint),
  );
}

/** Returns the stored secrets that do not expire. */
export function currentOf(known: ReadSecret): StoredSecret[] {
  return 'secrets' in known ? known.secrets.filter(({ until }) => until === undefined) : [];
}

/** Returns the event types that the endpoint does not receive. */
export function missingTypes({ eventTypes }: WebhookEndpoint): string[] {
  return EVENT_TYPES.filter((type) => !eventTypes.includes(type));
}

/**
 * Rotates the secret at the API, then stores the new one next to the old ones. Returns until when the last old one is
 * valid.
 */
async function makeSecret(
  { endpoints, secret, connection }: WebhookSetup,
  known: ReadSecret,
  { id }: WebhookEndpoint,
): Promise<number | undefined> {
  const now = await serverTime(connection);
  const made = await endpoints.rotateSecret(id);
  const old = ('secrets' in known ? known.secrets : [])
    .filter(({ endpoint, until }) => (endpoint ?? id) === id && (until ?? Infinity) > now)
    .map((entry) => ({ ...entry, until: entry.until ?? now + OLD_SECRET_MS }))
    .slice(0, MAX_OLD_SECRETS);
  await secret.replace(known, [entryOf(made), ...old]);
  return old[0]?.until;
}

function entryOf({ id, secret, hint }: SecretEndpoint): StoredSecret {
  return { secret, endpoint: id, ...(hint !== undefined && { hint }) };
}

/**
 * Reads the secret first, so that nothing is made at the API that could not be stored, and that the signing secret of another
 * stack is not replaced.
 */
async function storable(setup: WebhookSetup): Promise<ReadSecret> {
  const { secret } = setup;
  const known = await secret.read();
  if ('is' in known && known.is === 'absent' && !secret.canBeCreated)
    throw new Failure(`The secret ${secret.id} does not exist. Create it, then repeat the command.`);
  const owner = await ownerElsewhere(setup, known);
  if (owner !== undefined)
    throw new Failure(
      `The secret ${secret.id} has the signing secret of another URL, ${owner.url}. Deploy this stack with a secret of its own (webhook.secret, or -c webhookSecretName=NAME). If no stack has that URL any more, delete the endpoint ${owner.id} at ${setup.host}.`,
    );
  return known;
}

/** Returns the endpoint of another stack to which the stored secret belongs. */
async function ownerElsewhere(setup: WebhookSetup, known: ReadSecret): Promise<WebhookEndpoint | undefined> {
  const ids = currentOf(known).flatMap(({ endpoint }) => endpoint ?? []);
  return await endpointElsewhere(setup, ids);
}
