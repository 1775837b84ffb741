import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { OPENAI_BASE_URL, parseBaseUrl } from '../../functions/shared/contract/base-url.ts';
import type { RealBatchApi } from '../../local/runtime/runtime.ts';
import { Failure } from '../terminal/failure.ts';

/**
 * The API and its key, out of an environment: `OPENAI_API_KEY`, and as for the official SDK `OPENAI_BASE_URL` for
 * another one. `NODE_EXTRA_CA_CERTS` goes on to the functions. Throws a Failure before anything starts.
 */
export function realBatchApi(environment: NodeJS.ProcessEnv): RealBatchApi {
  const apiKey = environment.OPENAI_API_KEY?.trim();
  if (!apiKey) throw new Failure('--real needs the API key in the environment variable OPENAI_API_KEY.');
  const base = parseBaseUrl(environment.OPENAI_BASE_URL?.trim() || OPENAI_BASE_URL);
  if ('problem' in base) throw new Failure(`OPENAI_BASE_URL ${base.problem}.`);
  const baseUrl = base.url;
  const certificates = environment.NODE_EXTRA_CA_CERTS?.trim();
  if (!certificates) return { kind: 'real', apiKey, baseUrl };
  const extraCaCerts = resolve(certificates); // function processes have working directories of their own
  if (!existsSync(extraCaCerts))
    throw new Failure(`NODE_EXTRA_CA_CERTS names ${certificates}, which is not there.`);
  return { kind: 'real', apiKey, baseUrl, extraCaCerts };
}
