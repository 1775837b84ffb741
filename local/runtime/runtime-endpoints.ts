import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Batchdrop } from './template/batchdrops.ts';

/** The addresses and names of a running runtime, for the CLI and other tools. The names are those of the first Batchdrop. */
export interface RuntimeEndpoints extends Batchdrop {
  readonly url: string;
  readonly pid: number;
  readonly openAiUrl: string;
  /** All Batchdrops of the app. */
  readonly batchdrops: readonly Batchdrop[];
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
