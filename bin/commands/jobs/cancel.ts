import { Command } from 'commander';
import type { CancelRequest } from '../../../functions/shared/contract/messages/cancel-request.ts';
import {
  type Connection,
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { findJobId } from '../../jobs/find-job.ts';
import { requestCancel } from '../../jobs/request-cancel.ts';
import { printableJson } from '../../terminal/escape-control-characters.ts';
import { Failure } from '../../terminal/failure.ts';

interface Options extends ConnectionOptions {
  readonly key?: string;
}

/** `batchdrop cancel`: requests to cancel a job or a batch. */
export function cancelCommand(): Command {
  return withConnectionOptions(
    new Command('cancel')
      .summary('Request to cancel a job or a batch')
      .description('Request to cancel a job or a batch. You get the results of the rows that ran.')
      .argument('[id]', 'a job id, its first characters, or a batch id (batch_…)')
      .option('--key <key>', 'instead of an id: the object key of a file; cancels its newest version'),
  ).action(cancel);
}

async function cancel(id: string | undefined, options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const request = await requestOf(connection, id, options.key);
    const messageId = await requestCancel(connection, request);
    if (options.json) console.log(printableJson({ request, messageId }));
    else
      console.log(
        'Cancel requested. An "OpenAI Batch Cancel Outcome" event reports the outcome.\nTo see the status: batchdrop list',
      );
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
