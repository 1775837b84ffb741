import { S3Client } from '@aws-sdk/client-s3';
import type { RequestCopies } from '../../ports/ports.ts';
import { S3_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { createS3RequestCopies } from './request-copies.ts';

/** Opens the copies into the request bucket, with a client of their own. */
export function openCopies(owner: string): RequestCopies {
  return createS3RequestCopies({ client: new S3Client(S3_CLIENT_SETTINGS), owner });
}
