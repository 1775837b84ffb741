import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { Command } from 'commander';
import { parseCancelRequest } from '../../../functions/shared/contract/cancel-request.ts';
import { type ConnectionOptions, connect, withConnectionOptions } from '../../connection/connection.ts';
import { Failure } from '../../terminal/failure.ts';

interface Options extends ConnectionOptions {
  readonly key?: string;
}

/** `batchdrop cancel`: sends a cancel request, as anybody may on the cancel queue. */
export function cancelCommand(): Command {
  return withConnectionOptions(
    new Command('cancel')
      .description('Asks to cancel a batch, a job, or what was made of a file. Partial results are kept.')
      .argument('[id]', 'a batch id (batch_…) or a job id')
      .option('--key <key>', 'the newest version of this file in the request bucket, instead of an id'),
  ).action(cancel);
}

async function cancel(id: string | undefined, options: Options): Promise<void> {
  const connection = await connect(options);
  try {
    const { requestBucket, cancelQueueUrl } = connection.names;
    const MessageBody = JSON.stringify(requestOf(id, options.key, requestBucket));
    const parsed = parseCancelRequest(MessageBody);
    if ('problem' in parsed) throw new Failure(`Nothing was sent: ${parsed.problem}.`);
    const { MessageId } = await connection.sqs.send(
      new SendMessageCommand({ QueueUrl: cancelQueueUrl, MessageBody }),
    );
    if (options.json) console.log(JSON.stringify({ request: parsed.request, messageId: MessageId }));
    else
      console.log(
        'Asked to cancel; an "OpenAI Batch Cancel Outcome" event and batchdrop list tell what came of it.',
      );
  } finally {
    connection.close();
  }
}

function requestOf(id: string | undefined, key: string | undefined, bucket: string): object {
  if ((id === undefined) === (key === undefined)) throw new Failure('Give either an id or --key KEY.');
  if (key !== undefined) return { bucket, key };
  return id?.startsWith('batch_') ? { batchId: id } : { jobId: id };
}
