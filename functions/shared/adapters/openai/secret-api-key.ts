import { NotAllowed } from '../../domain/errors.ts';
import type { ApiKey, ApiKeySource } from './api-key.ts';
import { createCachedSecret, jsonFields, type SecretPlace } from './cached-secret.ts';

/** Reads the key from Secrets Manager. The secret is only the key, or JSON: `{apiKey, organization?, project?}`. */
export function createSecretApiKey(place: SecretPlace): ApiKeySource {
  return createCachedSecret(place, parseApiKey);
}

/** Returns the key in the text of a secret. `tried`: the first words of a message. Errors: NotAllowed, whose message does not quote it. */
export function parseApiKey(secret: string, tried: string): ApiKey {
  const text = secret.trim();
  const fields = text.startsWith('{') ? jsonFields(text, tried) : { apiKey: text };
  const headerText = (name: string): string | undefined => {
    const value = fields[name];
    if (value === undefined || value === null || value === '') return undefined;
    // The message must not contain the value, because it is the secret.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw new NotAllowed(`${tried}: its ${name} is not valid; use printable ASCII without spaces`);
    }
    return value;
  };
  const apiKey = headerText('apiKey');
  if (apiKey === undefined)
    throw new NotAllowed(`${tried}: it contains no key; store the key, or JSON with "apiKey"`);
  const organization = headerText('organization');
  const project = headerText('project');
  return {
    apiKey,
    ...(organization === undefined ? {} : { organization }),
    ...(project === undefined ? {} : { project }),
  };
}
