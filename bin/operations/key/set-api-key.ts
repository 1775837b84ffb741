/**
 * Stores the API key of a deployed stack:
 *   1. parses what was typed: a key alone, or JSON with `apiKey`, `organization`, `project`
 *   2. calls the API with it once, so that a mistyped key is never stored
 *   3. compares its account with the accounts of the batches and files that are open. A key of another account does not see
 *      them, so their jobs wait until the old key is back (docs/adr/0004)
 *   4. creates the secret, or makes the key its newest version. The old key stays as the version AWSPREVIOUS
 * The key is never printed, and no message quotes it.
 */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { ApiKey, ApiKeySource } from '../../../functions/shared/adapters/openai/api-key.ts';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import { createSecretApiKey, parseApiKey } from '../../../functions/shared/adapters/openai/secret-api-key.ts';
import { NotAllowed } from '../../../functions/shared/domain/errors.ts';
import { isSameAccount } from '../../../functions/shared/domain/openai-account.ts';
import type { Connection } from '../../connection/connection.ts';
import { errorName, isMissingSecret, putSecret } from '../../connection/put-secret.ts';
import type { ApiNames } from '../../connection/stack-names.ts';
import { clientConfigAt } from '../../connection/target.ts';
import { counted } from '../../terminal/amounts.ts';
import { Failure, sentenceOf } from '../../terminal/failure.ts';

const API_TIMEOUT_MS = 15_000; // a person waits for the result

/** A key that is ready to be stored. */
export interface NewApiKey {
  /** The text of the secret. Never print it. */
  readonly text: string;
  /** The account of the key; undefined if the key was not verified. */
  readonly account: string | undefined;
  /** The secret has this value already. */
  readonly isStored: boolean;
  /** Why open work may wait for the old key, as a sentence; undefined if the key sees all of it. */
  readonly concern: string | undefined;
}

/**
 * Returns the key to store, which nothing has stored yet. `typed`: the key or JSON. `verify`: call the API with it. Throws a
 * Failure if the text is no key, or if the API does not accept it.
 */
export async function newApiKey(
  connection: Connection,
  api: ApiNames,
  { typed, verify }: { readonly typed: string; readonly verify: boolean },
): Promise<NewApiKey> {
  const old = await storedKey(connection, api);
  const key = keyIn(typed, old);
  const account = verify ? await verifiedAccount(api, key) : undefined;
  const isStored = old !== undefined && textOf(old) === textOf(key);
  const concern = isStored ? undefined : await concernOf(connection, account);
  return { text: textOf(key), account, isStored, concern };
}

/** Stores the key. Throws a Failure if the secret is created elsewhere and does not exist, or is to be deleted. */
export async function storeApiKey(
  { target }: Pick<Connection, 'target'>,
  { secret }: ApiNames,
  { text }: NewApiKey,
): Promise<'created' | 'changed'> {
  const client = new SecretsManagerClient(clientConfigAt(target));
  try {
    const description = 'The API key of Batchdrop, written by batchdrop key set';
    return await putSecret(client, secret, { value: text, description });
  } catch (cause) {
    throw storeFailure(secret, cause);
  } finally {
    client.destroy();
  }
}

/** Returns the account for people: without the fingerprint of the key. */
export function accountShown(account: string): string | undefined {
  const [owner = ''] = account.split('#');
  return owner === '' || owner.startsWith('key-') ? undefined : owner;
}

function keyIn(typed: string, old: ApiKey | undefined): ApiKey {
  try {
    const key = parseApiKey(typed, 'read the key');
    // The secret may say for which organization or project the key is used.
    return typed.trim().startsWith('{') ? key : { ...old, ...key };
  } catch (cause) {
    if (!(cause instanceof NotAllowed)) throw cause;
    throw new Failure(`Nothing was stored: ${cause.message}.`);
  }
}

/** Returns the key of the secret; undefined if there is none, or if you may not read it. */
async function storedKey({ target }: Connection, { secret }: ApiNames): Promise<ApiKey | undefined> {
  const keys = createSecretApiKey({ secretId: secret, clock: Date, clientConfig: clientConfigAt(target) });
  return await keys.current().catch((failure: unknown) => {
    if (failure instanceof NotAllowed) return undefined;
    throw failure;
  });
}

async function verifiedAccount({ baseUrl }: ApiNames, key: ApiKey): Promise<string> {
  const { host } = new URL(baseUrl);
  const current = async () => key;
  const keys: ApiKeySource = { current, refresh: current };
  try {
    const api = createOpenAiBatchApi({ baseUrl, keys, deadlines: { smallMs: API_TIMEOUT_MS } });
    return (await api.listBatches({ limit: 1 })).account;
  } catch (cause) {
    const advice =
      cause instanceof NotAllowed
        ? 'Check the key, and that it may read and write batches and files.'
        : 'If only the functions can reach the API, repeat the command with --no-verify REASON.';
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(`Nothing was stored, because ${host} did not accept the key: ${said}.`, {
      cause,
      lines: [advice],
    });
  }
}

/** Returns why open work may not be visible with a key of this account; undefined if all of it is. */
async function concernOf(connection: Connection, account: string | undefined): Promise<string | undefined> {
  let open: string[];
  try {
    open = await accountsOfOpenParts(connection);
  } catch (failure) {
    return `Batchdrop could not check which account the running batches belong to: ${sentenceOf(failure)}.`;
  }
  if (open.length === 0) return undefined;
  const many = counted(
    open.length,
    'unfinished part has a batch or a file',
    'unfinished parts have batches or files',
  );
  if (account === undefined)
    return `${many} at the API, and the key was not verified. A key of another account does not see them.`;
  const others = open.filter((each) => !isSameAccount(each, account));
  if (others.length === 0) return undefined;
  const known = accountShown(account);
  const whose =
    known === undefined
      ? 'The API does not say whose key this is, so it counts as another account'
      : `The key belongs to ${known}, which is another account`;
  return `${whose}, and ${counted(others.length, 'unfinished part has', 'unfinished parts have')} a batch or a file that it does not see. They wait until the old key is back, and OpenAI bills what runs. To avoid that: batchdrop pause, and wait until the jobs have ended.`;
}

/** Returns the account of each unfinished part that may have a batch or a file at the API. */
async function accountsOfOpenParts({ ledger, queries }: Connection): Promise<string[]> {
  const accounts: string[] = [];
  for (const { jobId, plan } of await queries.openJobs()) {
    const parts = plan ? await ledger.partsOf(jobId, plan.planId) : [];
    for (const { phase, intent } of parts)
      if (phase !== 'delivered' && intent?.account !== undefined) accounts.push(intent.account);
  }
  return accounts;
}

function textOf(key: ApiKey): string {
  const { apiKey, organization, project } = key;
  return organization === undefined && project === undefined
    ? apiKey
    : JSON.stringify({ apiKey, organization, project });
}

function storeFailure(secret: string, cause: unknown): unknown {
  if (errorName(cause) === 'InvalidRequestException')
    return new Failure(
      `Nothing was stored, because the secret ${secret} is scheduled for deletion. To keep it: aws secretsmanager restore-secret --secret-id ${secret}`,
      { cause },
    );
  if (secret.startsWith('arn:') && (isMissingSecret(cause) || errorName(cause) === 'ValidationException'))
    return new Failure(
      `Nothing was stored: there is no secret ${secret}. The stack names it by its ARN, so create it where it is defined, then repeat the command.`,
      { cause },
    );
  return cause;
}
