import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { openS3Client } from '../../../functions/shared/adapters/s3/open-client.ts';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { S3Engine } from '../../../local/aws/s3/engine.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { localAws } from '../ledger/local-dynamodb.ts';
import { NOON } from '../samples.ts';

/** Starts S3 with two buckets: `requests` has versioning, `results` does not. */
export async function startS3(): Promise<{ client: S3Client; clock: ManualClock; close(): Promise<void> }> {
  const clock = new ManualClock(NOON);
  const directory = await mkdtemp(join(tmpdir(), 's3-'));
  const engine = new S3Engine({ directory, clock });
  engine.createBucket('requests', { versioned: true, eventBridge: false });
  engine.createBucket('results', { versioned: false, eventBridge: false });
  const endpoint = await startEndpoint({ services: [engine], port: 0 });
  const client = openS3Client({ ...localAws(endpoint.url), forcePathStyle: true });
  return {
    client,
    clock,
    async close() {
      client.destroy();
      await endpoint.close();
      await engine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
