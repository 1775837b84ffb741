import type { BatchApi } from '../../ports/ports.ts';
import { createOpenAiBatchApi } from '../openai/batch-api.ts';
import { lateApiKey, loadedOnce } from './late-ports.ts';
import { systemClock } from './system-clock.ts';

/** The Batch API, with the key from Secrets Manager. */
export function createBatchApi(env: { OPENAI_BASE_URL: string; OPENAI_SECRET_ID: string }): BatchApi {
  const keys = loadedOnce(async () => {
    const { createSecretApiKey } = await import('../openai/secret-api-key.ts');
    return createSecretApiKey({ secretId: env.OPENAI_SECRET_ID, clock: systemClock });
  });
  return createOpenAiBatchApi({ baseUrl: env.OPENAI_BASE_URL, keys: lateApiKey(keys) });
}
