import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RealBatchApi } from '../../local/runtime/runtime.ts';
import { Failure } from '../terminal/failure.ts';

const OPENAI_URL = 'https://api.openai.com/v1';

/**
 * The API and its key, out of an environment: `OPENAI_API_KEY`, and as for the official SDK `OPENAI_BASE_URL` for
 * another one. `NODE_EXTRA_CA_CERTS` goes on to the functions. Throws a Failure before anything starts.
 */
export function realBatchApi(environment: NodeJS.ProcessEnv): RealBatchApi {
  const apiKey = environment.OPENAI_API_KEY?.trim();
  if (!apiKey) throw new Failure('--real needs the API key in the environment variable OPENAI_API_KEY.');
  const baseUrl = environment.OPENAI_BASE_URL?.trim() || OPENAI_URL;
  refuseUnsafe(baseUrl);
  const certificates = environment.NODE_EXTRA_CA_CERTS?.trim();
  if (!certificates) return { kind: 'real', apiKey, baseUrl };
  const extraCaCerts = resolve(certificates); // function processes have working directories of their own
  if (!existsSync(extraCaCerts))
    throw new Failure(`NODE_EXTRA_CA_CERTS names ${certificates}, which is not there.`);
  return { kind: 'real', apiKey, baseUrl, extraCaCerts };
}

/** The key goes wherever the address points. */
function refuseUnsafe(baseUrl: string): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const loopback = url !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (loopback && url.protocol === 'http:')) return;
  throw new Failure(
    `OPENAI_BASE_URL is ${baseUrl}: it has to be an https address, so that nobody reads the key on its way.`,
  );
}
