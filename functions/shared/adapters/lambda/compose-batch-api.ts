import { parseBaseUrl } from '../../contract/base-url.ts';
import type { BatchApi } from '../../ports/ports.ts';
import { lateBatchApi, loadedOnce } from './late-ports.ts';
import { systemClock } from './system-clock.ts';

/** The Batch API, with the key from Secrets Manager. Errors: an Error for a base URL that is not safe. */
export function createBatchApi(env: { OPENAI_BASE_URL: string; OPENAI_SECRET_ID: string }): BatchApi {
  const base = parseBaseUrl(env.OPENAI_BASE_URL);
  if ('problem' in base) throw new Error(`OPENAI_BASE_URL ${base.problem}`);
  const load = loadedOnce(async () => {
    const { createOpenAiBatchApi } = await import('../openai/batch-api.ts');
    const { createSecretApiKey } = await import('../openai/secret-api-key.ts');
    const keys = createSecretApiKey({ secretId: env.OPENAI_SECRET_ID, clock: systemClock });
    return createOpenAiBatchApi({ baseUrl: env.OPENAI_BASE_URL, keys });
  });
  return lateBatchApi(load);
}
