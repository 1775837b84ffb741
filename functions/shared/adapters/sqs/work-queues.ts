import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { RetryableError } from '../../domain/errors.ts';
import type { WorkMessage, WorkQueues } from '../../ports/ports.ts';
import { awsFailure } from '../aws/aws-failure.ts';
import { type QueueUrls, receiversOf } from './queue-urls.ts';

const MAX_MESSAGES = 10; // SQS's limit per call; ten of our messages are far below its limit in bytes

/** Sends messages to the SQS queues between the functions. A message to a queue without a URL is a defect. */
export function createSqsWorkQueues(options: { client: SQSClient; urls: QueueUrls }): WorkQueues {
  const { client, urls } = options;
  return {
    reaches: receiversOf(urls),
    async send(messages) {
      const byUrl = Map.groupBy(messages, ({ to }) => {
        const url = urls[to];
        if (url === undefined) throw new Error(`send to ${to}: this function has no such queue`);
        return url;
      });
      for (const [url, ofQueue] of byUrl) {
        for (let from = 0; from < ofQueue.length; from += MAX_MESSAGES) {
          await sendBatch(client, url, ofQueue.slice(from, from + MAX_MESSAGES));
        }
      }
    },
  };
}

async function sendBatch(client: SQSClient, url: string, messages: WorkMessage[]): Promise<void> {
  const tried = `send ${messages.length} messages to ${new URL(url).pathname}`;
  const Entries = messages.map((message, index) => ({
    Id: String(index),
    MessageBody: JSON.stringify(message),
  }));
  const response = await client
    .send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))
    .catch((error: unknown) => {
      throw awsFailure(tried, error);
    });
  const lost = messages.length - (response.Successful?.length ?? 0);
  if (lost === 0) return;
  const code = response.Failed?.[0]?.Code ?? 'no given reason';
  throw new RetryableError(`${tried}: SQS refused ${lost} of ${messages.length}, the first for ${code}`);
}
