import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { OPENAI_BASE_URL, parseBaseUrl } from '../../functions/shared/contract/base-url.ts';
import type { RealBatchApi } from '../../local/runtime/runtime.ts';
import { Failure } from '../terminal/failure.ts';

/**
 * Reads the API and its key from environment variables: `OPENAI_API_KEY` and, as the official SDK does, `OPENAI_BASE_URL`. The functions
 * get `NODE_EXTRA_CA_CERTS`. Throws a Failure if one of them is missing or invalid.
 */
export function realBatchApi(environment: NodeJS.ProcessEnv): RealBatchApi {
  const apiKey = environment.OPENAI_API_KEY?.trim();
  if (!apiKey) throw new Failure('--real needs an API key. Set the environment variable OPENAI_API_KEY.');
  const base = parseBaseUrl(environment.OPENAI_BASE_URL?.trim() || OPENAI_BASE_URL);
  if ('problem' in base) throw new Failure(`OPENAI_BASE_URL ${base.problem}.`);
  const baseUrl = base.url;
  const certificates = environment.NODE_EXTRA_CA_CERTS?.trim();
  if (!certificates) return { kind: 'real', apiKey, baseUrl };
  const extraCaCerts = resolve(certificates); // each function process has another working directory
  if (!existsSync(extraCaCerts))
    throw new Failure(`NODE_EXTRA_CA_CERTS is ${certificates}, but this file does not exist.`);
  return { kind: 'real', apiKey, baseUrl, extraCaCerts };
}
