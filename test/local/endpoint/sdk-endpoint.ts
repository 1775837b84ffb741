import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDbEngine } from '../../../local/aws/dynamodb/engine.ts';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { S3Engine } from '../../../local/aws/s3/engine.ts';
import { SecretsEngine } from '../../../local/aws/secretsmanager/engine.ts';
import { SqsEngine } from '../../../local/aws/sqs/engine.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { clientConfig } from './client-config.ts';

/** Starts the services for which the SDK has waiters or paginators on one endpoint. Returns their clients. */
export async function startSdkEndpoint() {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-sdk-'));
  const clock = new VirtualClock();
  const buckets = new S3Engine({ directory: join(directory, 's3'), clock });
  const services = [
    buckets,
    new SqsEngine({ directory, clock }),
    new DynamoDbEngine({ directory }),
    new SecretsEngine({ clock }),
  ];
  const endpoint = await startEndpoint({ services, port: 0 });
  const config = clientConfig(endpoint.url);
  const clients = {
    s3: new S3Client({ ...config, forcePathStyle: true }),
    sqs: new SQSClient(config),
    dynamoDb: new DynamoDBClient(config),
    secrets: new SecretsManagerClient(config),
  };
  return {
    ...clients,
    url: endpoint.url,
    /** Creates a bucket as the template does, because the endpoint has no CreateBucket. */
    createBucket: async (name: string, { versioned = false } = {}) =>
      buckets.createBucket(name, { versioned, eventBridge: false }),
    async close() {
      for (const client of Object.values(clients)) client.destroy();
      await endpoint.close();
      for (const service of services) await service.close();
      clock.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export type SdkEndpoint = Awaited<ReturnType<typeof startSdkEndpoint>>;
