/**
 * Registers a Batchdrop's URL at the API, and stores the signing secret that the API shows only once.
 *
 * Each command looks first, and then does what is missing, so it may be repeated, and may be interrupted at any call:
 *   - between the endpoint and its secret: the endpoint is found by its URL, and its secret is made anew (`rotate`)
 *   - between a rotation and its secret: the old secret stays stored, and the API signs with it, too, for 24 hours. The
 *     endpoint's hint tells that another one is the newest, and the secret is made anew
 *   - between the endpoint's deletion and its secret's: a secret without an endpoint signs nothing
 *   - a create whose answer was lost, or two at the same time: endpoints with our URL but one are deleted
 *
 * Known gap: while a rotation is repeated that was interrupted, webhooks are refused until the new secret is stored. The
 * API sends them again.
 */

import type { StoredSecret } from '../../../functions/shared/adapters/openai/stored-signing-secrets.ts';
import type {
  SecretEndpoint,
  WebhookEndpoint,
} from '../../../functions/shared/adapters/openai/webhook-endpoints.ts';
import { serverTime } from '../../connection/server-time.ts';
import { Failure } from '../../terminal/failure.ts';
import { EVENT_TYPES, endpointsOf, NotManaged, type WebhookSetup } from './setup.ts';
import type { ReadSecret } from './stored-secret.ts';

const OLD_SECRET_MS = 24 * 3_600_000; // as long as the API signs with it
const MAX_OLD_SECRETS = 3;

/** What `enable` did. All false and 0: everything was there. */
export interface Enabled {
  readonly endpointId: string;
  readonly created: boolean;
  /** The stored secret was not the endpoint's, so the endpoint has a new one. */
  readonly rotated: boolean;
  readonly changedEventTypes: boolean;
  /** Other endpoints with the same URL. */
  readonly removedEndpoints: number;
}

/** Registers the URL unless it is, and stores its secret unless it is. Throws NotManaged and other Failures. */
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

/** Makes a new signing secret. The old one stays valid for 24 hours. Throws NotManaged and other Failures. */
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

/** Deletes the endpoints with our URL, and then the secret. Throws NotManaged, once the secret is gone. */
export async function disableWebhooks(
  setup: WebhookSetup,
): Promise<{ removedEndpoints: number; secret: 'deleted' | 'emptied' | 'absent' }> {
  refuseOneMachine(setup);
  const ours = await endpointsOf(setup).catch(async (failure: unknown) => {
    if (failure instanceof NotManaged) await setup.secret.remove();
    throw failure instanceof NotManaged ? failure.insteadOf('disable') : failure;
  });
  for (const { id } of ours) await setup.endpoints.remove(id);
  return { removedEndpoints: ours.length, secret: await setup.secret.remove() };
}

/** On one machine the runtime stores the signing secret at each start, in memory. */
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

/** Returns whether the endpoint's newest secret is stored, as far as its hint tells. */
export function isStored(known: ReadSecret, { id, hint }: WebhookEndpoint): boolean {
  return currentOf(known).some(
    (entry) =>
      entry.endpoint === id && (hint === undefined || entry.hint === undefined || entry.hint === hint),
  );
}

/** Returns the stored secrets that do not end. */
export function currentOf(known: ReadSecret): StoredSecret[] {
  return 'secrets' in known ? known.secrets.filter(({ until }) => until === undefined) : [];
}

/** Returns the event types that the endpoint does not get. */
export function missingTypes({ eventTypes }: WebhookEndpoint): string[] {
  return EVENT_TYPES.filter((type) => !eventTypes.includes(type));
}

/** Rotates at the API, then stores the new secret beside the old ones. Returns until when the last old one is valid. */
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

/** Reads the secret before anything is made at the API that could not be stored. */
async function storable({ secret }: WebhookSetup): Promise<ReadSecret> {
  const known = await secret.read();
  if ('is' in known && known.is === 'absent' && !secret.canBeCreated)
    throw new Failure(`The secret ${secret.id} does not exist. Create it, then repeat the command.`);
  return known;
}
