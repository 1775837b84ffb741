import type { ApiKeySource } from '../../functions/shared/adapters/openai/api-key.ts';
import { createSecretApiKey } from '../../functions/shared/adapters/openai/secret-api-key.ts';
import { isLoopback } from '../../functions/shared/contract/base-url.ts';
import { LOCAL_API_KEY } from '../../local/runtime/runtime-endpoints.ts';
import type { ApiNames } from './stack-names.ts';
import { clientConfigAt, type Target } from './target.ts';

/**
 * Returns the key with which the CLI may call the API. For a deployed stack, it is the key of the functions. On one
 * machine only the functions can read theirs: the built-in server accepts any key, and for another API there is none.
 */
export function apiKeysOf(target: Target, { baseUrl, secret }: ApiNames): ApiKeySource | undefined {
  if (target.kind === 'account')
    return createSecretApiKey({ secretId: secret, clock: Date, clientConfig: clientConfigAt(target) });
  if (!isLoopback(baseUrl)) return undefined;
  const key = async () => ({ apiKey: LOCAL_API_KEY });
  return { current: key, refresh: key };
}
