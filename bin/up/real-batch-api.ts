import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isLoopback, OPENAI_BASE_URL, parseBaseUrl } from '../../functions/shared/contract/base-url.ts';
import type { BatchApiChoice, OtherBatchApi } from '../../local/runtime/batch-api.ts';
import { LOCAL_API_KEY } from '../../local/runtime/runtime-endpoints.ts';
import { Failure } from '../terminal/failure.ts';

/**
 * Reads the API and its key from environment variables: `OPENAI_API_KEY` and, like the official SDK, `OPENAI_BASE_URL`.
 * The functions also get `NODE_EXTRA_CA_CERTS`. Throws a Failure if a variable is missing or invalid.
 */
export function realBatchApi(environment: NodeJS.ProcessEnv): OtherBatchApi {
  const apiKey = environment.OPENAI_API_KEY?.trim();
  if (!apiKey) throw new Failure('--real needs an API key. Set the environment variable OPENAI_API_KEY.');
  const baseUrl = baseUrlIn(environment.OPENAI_BASE_URL?.trim() || OPENAI_BASE_URL, 'OPENAI_BASE_URL');
  return { kind: 'real', apiKey, baseUrl, ...certificatesIn(environment), ...webhookSecretIn(environment) };
}

/**
 * Reads the URL of any Batch API server. Its key is in `BATCH_API_KEY`, never in `OPENAI_API_KEY`, which belongs to
 * OpenAI. A server on this machine needs no key. Throws a Failure if the URL is invalid or a key is missing.
 */
export function otherBatchApi(url: string, environment: NodeJS.ProcessEnv): OtherBatchApi {
  const baseUrl = baseUrlIn(url.trim(), '--batch-api');
  const apiKey = environment.BATCH_API_KEY?.trim() || (isLoopback(baseUrl) ? LOCAL_API_KEY : undefined);
  if (apiKey === undefined) {
    throw new Failure(
      `--batch-api ${baseUrl} needs an API key. Set the environment variable BATCH_API_KEY. OPENAI_API_KEY is not sent to other servers.`,
    );
  }
  return { kind: 'server', apiKey, baseUrl, ...certificatesIn(environment), ...webhookSecretIn(environment) };
}

/**
 * Returns whether files may cost money: always, except with a server on this machine. `--real` always counts as paid.
 */
export function isPaid(api: BatchApiChoice): boolean {
  return api.kind === 'real' || (api.kind === 'server' && !isLoopback(api.baseUrl));
}

/**
 * Returns whether the API sends webhooks to this machine. The built-in one does; another one only if the user
 * configured it.
 */
export function sendsWebhooks(api: BatchApiChoice): boolean {
  return api.kind === 'local' || api.webhookSecret !== undefined;
}

function baseUrlIn(text: string, setting: string): string {
  const base = parseBaseUrl(text);
  if ('problem' in base) throw new Failure(`${setting} ${base.problem}.`);
  return base.url;
}

/**
 * From `OPENAI_WEBHOOK_SECRET`, like the official SDKs, if the API sends webhooks to this machine, for example through
 * a tunnel.
 */
function webhookSecretIn(environment: NodeJS.ProcessEnv): { webhookSecret?: string } {
  const webhookSecret = environment.OPENAI_WEBHOOK_SECRET?.trim();
  return webhookSecret ? { webhookSecret } : {};
}

function certificatesIn(environment: NodeJS.ProcessEnv): { extraCaCerts?: string } {
  const certificates = environment.NODE_EXTRA_CA_CERTS?.trim();
  if (!certificates) return {};
  const extraCaCerts = resolve(certificates); // each function process has another working directory
  if (existsSync(extraCaCerts)) return { extraCaCerts };
  throw new Failure(`NODE_EXTRA_CA_CERTS is ${certificates}, but this file does not exist.`);
}
