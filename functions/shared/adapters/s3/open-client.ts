import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { S3_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { createReadingAgent } from '../aws/reading-agent.ts';

/** With 512 KB at a time, the CPU time is the same and INTAKE's peak 20 MB higher. As many sockets as the SDK's own agents. */
const CONNECTIONS = { readBytes: 128 * 1024, maxSockets: 50 };

/** Opens a client of S3 that reads objects into one buffer. `config`: what differs from a function's settings. */
export function openS3Client(config: Omit<S3ClientConfig, 'requestHandler'> = {}): S3Client {
  return new S3Client({
    ...S3_CLIENT_SETTINGS,
    ...config,
    requestHandler: {
      ...S3_CLIENT_SETTINGS.requestHandler,
      httpAgent: createReadingAgent(false, CONNECTIONS),
      httpsAgent: createReadingAgent(true, CONNECTIONS),
    },
  });
}
