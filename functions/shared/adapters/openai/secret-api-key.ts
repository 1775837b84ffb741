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

/** Of Secrets Manager: waiting does not help, somebody has to put the secret right. */
const MISSING: ReadonlySet<string> = new Set([
  'ResourceNotFoundException',
  'InvalidRequestException', // marked for deletion
  'DecryptionFailure',
  'AccessDeniedException',
]);

/** The key from Secrets Manager, by name or ARN: the bare key, or JSON `{apiKey, organization?, project?}`. */
export function createSecretApiKey(options: {
  secretId: string;
  clock: Clock;
  /** Where Secrets Manager is; in a function its environment says it. */
  clientConfig?: SecretsManagerClientConfig;
}): ApiKeySource {
  const { secretId, clock, clientConfig = {} } = options;
  let client: SecretsManagerClient | undefined;
  let known: { key: Promise<ApiKey>; until: number } | undefined;

  const fetchKey = async (): Promise<ApiKey> => {
    client ??= new SecretsManagerClient(clientConfig);
    const tried = `read the secret ${secretId}`;
    const answer = await client
      .send(new GetSecretValueCommand({ SecretId: secretId }))
      .catch((error: unknown) => {
        if (error instanceof Error && MISSING.has(error.name)) {
          throw new NotAllowed(`${tried}: ${error.name}`, { cause: error });
        }
        throw awsFailure(tried, error);
      });
    return parseSecret(answer.SecretString ?? '', tried);
  };
  const refresh = (): Promise<ApiKey> => {
    const fetched = { key: fetchKey(), until: clock.now() + KEPT_MS };
    known = fetched;
    fetched.key.catch(() => {
      if (known === fetched) known = undefined; // a failure is not kept
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
    // Never with the value in the message: it is the secret.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw new NotAllowed(`${tried}: its ${name} is not a key or id`);
    }
    return value;
  };
  const apiKey = headerText('apiKey');
  if (apiKey === undefined) throw new NotAllowed(`${tried}: it holds no key`);
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
    throw new NotAllowed(`${tried}: it begins like JSON and is none`); // no cause: that would quote it
  }
}
