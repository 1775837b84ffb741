import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The addresses and names of a running runtime, for the CLI and other tools. */
export interface RuntimeEndpoints {
  readonly url: string;
  readonly pid: number;
  readonly openAiUrl: string;
  readonly requestBucket: string;
  readonly resultsBucket: string;
  /** The start of all keys in the results bucket. */
  readonly resultsPrefix?: string;
  readonly cancelQueueUrl: string;
  readonly approvalQueueUrl: string;
  readonly eventBus: string;
  readonly instance: string;
  readonly ledgerTable: string;
  /** The URL at which WEBHOOK receives webhooks, if the stack has it. */
  readonly webhookUrl?: string;
}

/** The key for a Batch API server that accepts any key. */
export const LOCAL_API_KEY = 'sk-local';

/** The secret in the endpoint's Secrets Manager with the same content. */
export const RUNTIME_ENDPOINTS_SECRET = 'batchdrop/local/whereabouts';

/** Returns the file of a data directory that contains the endpoints while a runtime is running there. */
export function runtimeEndpointsFile(directory: string): string {
  return join(directory, 'endpoint.json');
}

/** Returns the endpoints of the runtime with that data directory; undefined if none is running. */
export function readRuntimeEndpoints(directory: string): RuntimeEndpoints | undefined {
  const file = runtimeEndpointsFile(directory);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${file} cannot be read: ${why}`, { cause });
  }
}
