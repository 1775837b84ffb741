import type { RequestCopies } from '../../ports/ports.ts';
import { openS3Client } from './open-client.ts';
import { createS3RequestCopies } from './request-copies.ts';

/** Opens the copies into the request bucket, with a client of their own. */
export function openCopies(owner: string): RequestCopies {
  return createS3RequestCopies({ client: openS3Client(), owner });
}
