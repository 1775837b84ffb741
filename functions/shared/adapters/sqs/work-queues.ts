import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { RetryableError } from '../../domain/errors.ts';
import type { WorkMessage, WorkQueues } from '../../ports/ports.ts';
import { infrastructureFailure } from '../aws/aws-failure.ts';

const MAX_MESSAGES = 10; // SQS's limit for one call; ours are far below its limit in bytes

/** The queues a function may send to, by what a message is for. */
export type QueueUrls = Partial<Record<WorkMessage['to'], string>>;

/** The queues between the functions on SQS; a message to a queue without a URL is a defect. */
export function createSqsWorkQueues(options: { client: SQSClient; urls: QueueUrls }): WorkQueues {
  const { client, urls } = options;
  return {
    reaches: new Set(Object.keys(urls) as WorkMessage['to'][]),
    async send(messages) {
      const byUrl = Map.groupBy(messages, ({ to }) => {
        const url = urls[to];
        if (url === undefined) throw new Error(`send to ${to}: this function knows no such queue`);
        return url;
      });
      for (const [url, ours] of byUrl) {
        for (let from = 0; from < ours.length; from += MAX_MESSAGES) {
          await sendSome(client, url, ours.slice(from, from + MAX_MESSAGES));
        }
      }
    },
  };
}

async function sendSome(client: SQSClient, url: string, messages: WorkMessage[]): Promise<void> {
  const tried = `send ${messages.length} messages to ${new URL(url).pathname}`;
  const Entries = messages.map((message, index) => ({
    Id: String(index),
    MessageBody: JSON.stringify(message),
  }));
  const answer = await client
    .send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))
    .catch((error: unknown) => {
      throw infrastructureFailure(tried, error);
    });
  const lost = messages.length - (answer.Successful?.length ?? 0);
  if (lost === 0) return;
  const code = answer.Failed?.[0]?.Code ?? 'no stated reason';
  throw new RetryableError(`${tried}: ${lost} of ${messages.length} were refused, the first for ${code}`);
}
