import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { NotAllowed, RetryableError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/ports.ts';
import { awsFailure } from '../aws/aws-failure.ts';
import { AWS_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import type { ApiKey, ApiKeySource } from './api-key.ts';
import { CALL_DEADLINES, DeadlineError, untilAborted, within } from './call-deadline.ts';

const KEPT_MS = 5 * 60_000;

/** Errors of Secrets Manager that last until a person corrects the secret. */
const MISSING: ReadonlySet<string> = new Set([
  'ResourceNotFoundException',
  'InvalidRequestException', // marked for deletion
  'DecryptionFailure',
  'AccessDeniedException',
]);

/** Reads the key from Secrets Manager. The secret is the key alone, or JSON `{apiKey, organization?, project?}`. */
export function createSecretApiKey(options: {
  /** Name or ARN of the secret. */
  secretId: string;
  clock: Clock;
  /** The endpoint and region of Secrets Manager; a function takes them from its environment. */
  clientConfig?: SecretsManagerClientConfig;
  /** How long it may take to read the secret, in milliseconds. */
  readMs?: number;
}): ApiKeySource {
  const { secretId, clock, clientConfig = {}, readMs = CALL_DEADLINES.smallMs } = options;
  let client: SecretsManagerClient | undefined;
  let known: { key: Promise<ApiKey>; until: number } | undefined;

  const fetchKey = async (): Promise<ApiKey> => {
    client ??= new SecretsManagerClient({ ...AWS_CLIENT_SETTINGS, ...clientConfig });
    const tried = `read the secret ${secretId}`;
    const send = client.send.bind(client);
    const read = (abortSignal: AbortSignal) =>
      untilAborted(abortSignal, send(new GetSecretValueCommand({ SecretId: secretId }), { abortSignal }));
    const response = await within(readMs, undefined, read).catch((error: unknown) => {
      throw failureOfSecret(tried, error);
    });
    return parseSecret(response.SecretString ?? '', tried);
  };
  const refresh = (): Promise<ApiKey> => {
    const fetched = { key: fetchKey(), until: clock.now() + KEPT_MS };
    known = fetched;
    fetched.key.catch(() => {
      if (known === fetched) known = undefined; // do not cache a failure
    });
    return fetched.key;
  };
  return {
    current: () => (known !== undefined && clock.now() < known.until ? known.key : refresh()),
    refresh,
  };
}

/** An error of Secrets Manager that is not known to pass means that there is no key: items wait, and an alarm tells. */
function failureOfSecret(tried: string, error: unknown): RetryableError | NotAllowed {
  const name = error instanceof Error ? error.name : '';
  if (MISSING.has(name)) return new NotAllowed(`${tried}: ${name}`, { cause: error });
  const failure = awsFailure(tried, error);
  if (error instanceof DeadlineError || failure instanceof RetryableError) {
    const message = error instanceof DeadlineError ? `${tried}: ${error.message}` : failure.message;
    return new RetryableError(message, { waitsFor: 'unreachable', cause: error });
  }
  return failure instanceof NotAllowed ? failure : new NotAllowed(failure.message, { cause: error });
}

function parseSecret(secret: string, tried: string): ApiKey {
  const text = secret.trim();
  const fields = text.startsWith('{') ? jsonFields(text, tried) : { apiKey: text };
  const headerText = (name: string): string | undefined => {
    const value = fields[name];
    if (value === undefined || value === null || value === '') return undefined;
    // The message must not contain the value: it is the secret.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw new NotAllowed(`${tried}: its ${name} is not valid; use printable ASCII without spaces`);
    }
    return value;
  };
  const apiKey = headerText('apiKey');
  if (apiKey === undefined)
    throw new NotAllowed(`${tried}: it has no key; store the key, or JSON with "apiKey"`);
  const organization = headerText('organization');
  const project = headerText('project');
  return {
    apiKey,
    ...(organization === undefined ? {} : { organization }),
    ...(project === undefined ? {} : { project }),
  };
}

function jsonFields(text: string, tried: string): Record<string, unknown> {
  try {
    const fields: Record<string, unknown> = { ...JSON.parse(text) };
    return fields;
  } catch {
    throw new NotAllowed(`${tried}: it begins with "{" but is not valid JSON`); // without the cause, which would quote it
  }
}
