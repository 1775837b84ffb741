import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { NotAllowed } from '../../domain/errors.ts';
import type { Clock } from '../../ports/ports.ts';
import { awsFailure } from '../aws/aws-failure.ts';
import type { ApiKey, ApiKeySource } from './api-key.ts';

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
}): ApiKeySource {
  const { secretId, clock, clientConfig = {} } = options;
  let client: SecretsManagerClient | undefined;
  let known: { key: Promise<ApiKey>; until: number } | undefined;

  const fetchKey = async (): Promise<ApiKey> => {
    client ??= new SecretsManagerClient(clientConfig);
    const tried = `read the secret ${secretId}`;
    const response = await client
      .send(new GetSecretValueCommand({ SecretId: secretId }))
      .catch((error: unknown) => {
        if (error instanceof Error && MISSING.has(error.name)) {
          throw new NotAllowed(`${tried}: ${error.name}`, { cause: error });
        }
        throw awsFailure(tried, error);
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
