import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from '../aws/iam/signature.ts';

/** The file of a data directory with the only credentials whose calls its endpoint answers, readable by its user alone. */
export function ownerCredentialsFile(directory: string): string {
  return join(directory, 'credentials.json');
}

/** Returns them; undefined if the directory has none, because its endpoint takes any. */
export function readOwnerCredentials(directory: string): Credentials | undefined {
  const file = ownerCredentialsFile(directory);
  if (!existsSync(file)) return undefined;
  const { accessKeyId, secretAccessKey } = Object(JSON.parse(readFileSync(file, 'utf8')));
  if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string') {
    return { accessKeyId, secretAccessKey };
  }
  throw new Error(
    `${file} has no accessKeyId and secretAccessKey: remove it, and the next start makes new ones`,
  );
}
