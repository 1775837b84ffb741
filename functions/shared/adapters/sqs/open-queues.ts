import { SQSClient } from '@aws-sdk/client-sqs';
import type { WorkQueues } from '../../ports/ports.ts';
import { AWS_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import type { QueueUrls } from './queue-urls.ts';
import { createSqsWorkQueues } from './work-queues.ts';

/** Opens the queues with a client of their own. */
export function openQueues(urls: QueueUrls): WorkQueues {
  return createSqsWorkQueues({ client: new SQSClient(AWS_CLIENT_SETTINGS), urls });
}
