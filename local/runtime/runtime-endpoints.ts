import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a running runtime is found, for the CLI and other tools. */
export interface Whereabouts {
  readonly url: string;
  readonly pid: number;
  readonly openAiUrl: string;
  readonly requestBucket: string;
  readonly resultsBucket: string;
  readonly cancelQueueUrl: string;
  readonly eventBus: string;
  readonly ledgerTable: string;
}

/** The name under which the endpoint's Secrets Manager tells a client the same. */
export const WHEREABOUTS_SECRET = 'batchdrop/local/whereabouts';

/** The file of a data directory that tells them while a runtime works there. */
export function whereaboutsFile(directory: string): string {
  return join(directory, 'endpoint.json');
}

/** Where the runtime of that data directory is; undefined when none runs. */
export function readWhereabouts(directory: string): Whereabouts | undefined {
  const file = whereaboutsFile(directory);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
