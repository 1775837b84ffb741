import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { Command } from 'commander';
import { type CancelRequest, parseCancelRequest } from '../../../functions/shared/contract/cancel-request.ts';
import {
  type Connection,
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { findJobId } from '../../jobs/find-job.ts';
import { Failure } from '../../terminal/failure.ts';

interface Options extends ConnectionOptions {
  readonly key?: string;
}

/** `batchdrop cancel`: sends a cancel request to the cancel queue, as any program can. */
export function cancelCommand(): Command {
  return withConnectionOptions(
    new Command('cancel')
      .description(
        'Request to cancel a batch, a job, or the job of a file. Results of finished rows are kept.',
      )
      .argument('[id]', 'a batch id (batch_…), a job id, or its first characters')
      .option(
        '--key <key>',
        'instead of an id: the key of a file in the request bucket, in its newest version',
      ),
  ).action(cancel);
}

async function cancel(id: string | undefined, options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const MessageBody = JSON.stringify(await requestOf(connection, id, options.key));
    const parsed = parseCancelRequest(MessageBody);
    if ('problem' in parsed)
      throw new Failure(`The cancel request is not valid, nothing was sent: ${parsed.problem}.`);
    const { MessageId } = await connection.sqs.send(
      new SendMessageCommand({ QueueUrl: connection.names.cancelQueueUrl, MessageBody }),
    );
    if (options.json) console.log(JSON.stringify({ request: parsed.request, messageId: MessageId }));
    else console.log('Cancel requested. To see the outcome: batchdrop watch, or batchdrop list in a minute');
  });
}

async function requestOf(
  connection: Connection,
  id: string | undefined,
  key: string | undefined,
): Promise<CancelRequest> {
  if (key !== undefined && id === undefined) return { bucket: connection.names.requestBucket, key };
  if (id === undefined || key !== undefined) throw new Failure('Give either an id or --key KEY.');
  return id.startsWith('batch_') ? { batchId: id } : { jobId: await findJobId(connection, id) };
}
