/**
 * Checks the path of a webhook from the API to the ledger, for `batchdrop webhook status` and `doctor`. The checks
 * change nothing and send nothing to the URL. Only `batchdrop webhook test` proves that the path works.
 */
import type { WebhookEndpoint } from '../../../functions/shared/adapters/openai/webhook-endpoints.ts';
import type { Connection } from '../../connection/connection.ts';
import { serverTime } from '../../connection/server-time.ts';
import { momentShown, timeShown } from '../../terminal/amounts.ts';
import { sentenceOf } from '../../terminal/failure.ts';
import { type Finding, failed, note, ok, type Verdict } from '../finding.ts';
import { currentOf, isStored, missingTypes } from './registration.ts';
import { EVENT_TYPES, endpointsOf, NotManaged, type WebhookSetup, webhookSetup } from './setup.ts';
import type { ReadSecret } from './stored-secret.ts';

const ENABLE = 'batchdrop webhook enable';
const PROVE = 'To test the whole path: batchdrop webhook test';

/** Runs the checks for `doctor`. A Batchdrop without the prop `webhook` has none. */
export async function* webhookFindings(connection: Connection): AsyncGenerator<Finding> {
  let setup: WebhookSetup | undefined;
  try {
    setup = await webhookSetup(connection);
  } catch (failure) {
    yield { check: 'webhook', ...failed('could not be checked', sentenceOf(failure)) };
    return;
  }
  if (setup === undefined) return;
  try {
    yield* checkSetup(setup);
  } finally {
    setup.secret.close();
  }
}

/** Runs every check in order and yields each finding when it is known. */
export async function* checkSetup(setup: WebhookSetup): AsyncGenerator<Finding> {
  let only: WebhookEndpoint | undefined;
  const registered = async (): Promise<Verdict> => {
    const found = await endpointsOf(setup);
    if (found.length === 1) only = found[0];
    return verdictOnEndpoints(setup, found);
  };
  yield { check: 'webhook', ...(await registered().catch((failure) => uncheckedEndpoint(setup, failure))) };
  yield { check: 'webhook secret', ...(await verdictOnSecret(setup, only).catch(unchecked)) };
  yield { check: 'last webhook', ...(await verdictOnLast(setup).catch(unchecked)) };
}

function verdictOnEndpoints({ host, url }: WebhookSetup, found: readonly WebhookEndpoint[]): Verdict {
  const [only, another] = found;
  if (only === undefined)
    return failed(`no endpoint at ${host} has the URL ${url}`, `To register it: ${ENABLE}`);
  if (another !== undefined)
    return failed(`${found.length} endpoints at ${host} have the URL ${url}`, `To keep one: ${ENABLE}`);
  const missing = missingTypes(only);
  if (missing.length > 0)
    return failed(`${only.id} at ${host} does not send ${missing.join(', ')}`, `To add them: ${ENABLE}`);
  return ok(`${only.id} at ${host} sends to ${url}`);
}

function uncheckedEndpoint({ url }: WebhookSetup, failure: unknown): Verdict {
  if (!(failure instanceof NotManaged)) return unchecked(failure);
  return note(
    `not checked: ${failure.why.replace(/\.$/, '')}`,
    `Check at the API that the URL ${url} has the events ${EVENT_TYPES.join(', ')}.`,
  );
}

async function verdictOnSecret(
  { secret }: WebhookSetup,
  endpoint: WebhookEndpoint | undefined,
): Promise<Verdict> {
  const known = await secret.read();
  if ('is' in known && known.is === 'invalid') return failed(known.problem, `To replace it: ${ENABLE}`);
  if ('is' in known && known.is === 'closed') return ok(`only the functions can read ${secret.id}`);
  const [current] = currentOf(known);
  if (current === undefined) {
    return failed(
      `${secret.id} contains no signing secret: WEBHOOK refuses every webhook`,
      `To store one: ${ENABLE}`,
    );
  }
  if (endpoint === undefined) return ok(`${secret.id} contains a signing secret`);
  if (isStored(known, endpoint))
    return ok(`${secret.id} contains the secret of ${endpoint.id}${oldOnes(known)}`);
  if (current.endpoint === undefined)
    return note(
      `${secret.id} contains a secret that was stored by hand; it may not be the secret of ${endpoint.id}`,
      PROVE,
    );
  return failed(
    `${secret.id} does not contain the newest secret of ${endpoint.id}`,
    `To make a new one: ${ENABLE}`,
  );
}

function oldOnes(known: ReadSecret): string {
  const ends = 'secrets' in known ? known.secrets.flatMap(({ until }) => until ?? []) : [];
  return ends.length === 0 ? '' : `, and an old one until ${momentShown(Math.max(...ends))} UTC`;
}

async function verdictOnLast({ connection }: WebhookSetup): Promise<Verdict> {
  const at = await connection.ledger.readLastWebhook();
  if (at === undefined) return note('none has arrived', PROVE);
  const ageMs = Math.max(0, (await serverTime(connection)) - at);
  return ok(`${momentShown(at)} UTC, ${timeShown(ageMs)} ago`);
}

function unchecked(failure: unknown): Verdict {
  return failed('could not be checked', sentenceOf(failure));
}
