import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a running runtime is found, for the CLI and other tools. */
export interface RuntimeEndpoints {
  readonly url: string;
  readonly pid: number;
  readonly openAiUrl: string;
  readonly requestBucket: string;
  readonly resultsBucket: string;
  readonly cancelQueueUrl: string;
  readonly eventBus: string;
  readonly instance: string;
  readonly ledgerTable: string;
}

/** The name under which the endpoint's Secrets Manager tells a client the same. */
export const RUNTIME_ENDPOINTS_SECRET = 'batchdrop/local/whereabouts';

/** The file of a data directory that tells them while a runtime works there. */
export function runtimeEndpointsFile(directory: string): string {
  return join(directory, 'endpoint.json');
}

/** Where the runtime of that data directory is; undefined when none runs. */
export function readRuntimeEndpoints(directory: string): RuntimeEndpoints | undefined {
  const file = runtimeEndpointsFile(directory);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
