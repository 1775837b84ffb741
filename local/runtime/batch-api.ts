import type { VirtualClock } from '../clock.ts';
import type { FaultPlan } from '../openai/faults/faults.ts';
import { startBatchApi } from '../openai/server.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Engines } from './engines.ts';
import { LOCAL_API_KEY } from './runtime-endpoints.ts';
import type { StackPlan } from './template/stack-plan.ts';

/** The Batch API that the functions call: the built-in one or another. */
export type BatchApiChoice =
  | {
      readonly kind: 'local';
      /** The faults to inject, chosen with `seed`. By default, none. */
      readonly faults?: FaultPlan;
      readonly seed?: number;
    }
  | OtherBatchApi;

/** A Batch API of another process: a real one, which costs money, or any other server. */
export interface OtherBatchApi {
  readonly kind: 'real' | 'server';
  readonly apiKey: string;
  /** `https://…/v1`; `http://…` only on this machine. */
  readonly baseUrl: string;
  /** A file of additional certificates that the functions trust. */
  readonly extraCaCerts?: string;
  /** The secret with which it signs webhooks, if it is configured to send them here. */
  readonly webhookSecret?: string;
}

/** The name of WEBHOOK's URL at the built-in Batch API server. */
const WEBHOOK_NAME = 'batchdrop';

/** The API that the functions call. */
interface OpenedApi {
  readonly url: string;
  /** Returns the secret that signs its webhooks to a URL; undefined if it sends none. */
  readonly signingSecret: (webhookUrl: string) => string | undefined;
  close(): Promise<void>;
}

/** Starts the built-in server, unless another API was chosen. */
export async function openBatchApi(
  { api, data }: { api: BatchApiChoice; data: DataDirectory },
  clock: VirtualClock,
): Promise<OpenedApi> {
  if (api.kind !== 'local')
    return { url: api.baseUrl, signingSecret: () => api.webhookSecret, close: async () => {} };
  const { kind: _, ...faults } = api;
  const directory = data.subdirectory('openai');
  // WEBHOOK verifies the time of a webhook by the clock of the functions.
  const settings = { ...faults, directory, clock, receivers: clock, timing: { finalizing } };
  const server = await startBatchApi(settings);
  return {
    url: server.url,
    signingSecret: (url) => server.registerWebhook({ name: WEBHOOK_NAME, url }),
    close: () => server.close(),
  };
}

/** Stores the API key in each secret that a function reads. */
export function putApiKeys(engines: Engines, { functions }: StackPlan, api: BatchApiChoice): void {
  for (const { environment } of functions) {
    const secret = environment.OPENAI_SECRET_ID;
    if (secret !== undefined) engines.secrets.putFunctionSecret(secret, apiKeyOf(api));
  }
}

/**
 * Stores the signing secret of the API's webhooks in the secret of each function with a URL. Only that function may
 * read it.
 */
export function putSigningSecrets(engines: Engines, { functions, urls }: StackPlan, api: OpenedApi): void {
  for (const { environment, arn } of functions) {
    const { WEBHOOK_SECRET_ID: secretId } = environment;
    const url = urls.find(({ functionArn }) => functionArn === arn)?.url;
    const secret = secretId === undefined || url === undefined ? undefined : api.signingSecret(url);
    if (secretId !== undefined && secret !== undefined) engines.secrets.putFunctionSecret(secretId, secret);
  }
}

/** A batch finalizes for at least two minutes, so that POLL, which runs once a minute, sees this status. */
function finalizing({ random }: { random: () => number }): number {
  return 120_000 + Math.round(random() * 30_000);
}

function apiKeyOf(api: BatchApiChoice): string {
  return api.kind === 'local' ? LOCAL_API_KEY : api.apiKey;
}

/** Returns the environment variables that make Node trust additional certificates. */
export function certificateVariables(api: BatchApiChoice): Record<string, string> {
  return api.kind !== 'local' && api.extraCaCerts !== undefined
    ? { NODE_EXTRA_CA_CERTS: api.extraCaCerts }
    : {};
}
