import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from '../aws/iam/signature.ts';

/**
 * Returns the file of a data directory that contains the only credentials that its endpoint accepts. Only its user may
 * read it.
 */
export function ownerCredentialsFile(directory: string): string {
  return join(directory, 'credentials.json');
}

/** Returns the credentials. Undefined if the directory has none, because its endpoint accepts any. */
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
