import { SendMessageCommand } from '@aws-sdk/client-sqs';
import {
  type CancelRequest,
  parseCancelRequest,
} from '../../functions/shared/contract/messages/cancel-request.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';

/** Sends a cancel request to the cancel queue, as any program can. Returns the id of the message. Throws a Failure if it is invalid. */
export async function requestCancel(
  { sqs, names }: Connection,
  request: CancelRequest,
): Promise<string | undefined> {
  const MessageBody = JSON.stringify(request);
  const parsed = parseCancelRequest(MessageBody);
  if ('problem' in parsed)
    throw new Failure(`Nothing was sent, because the cancel request is invalid: ${parsed.problem}.`);
  const sent = await sqs.send(new SendMessageCommand({ QueueUrl: names.cancelQueueUrl, MessageBody }));
  return sent.MessageId;
}
