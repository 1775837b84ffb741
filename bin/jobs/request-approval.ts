import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { ApprovalRequest } from '../../functions/shared/contract/messages/approval-request.ts';
import { isOver, type Job } from '../../functions/shared/domain/job.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';

/** Sends an approval to the approval queue, as any program can. Returns the id of the message. Throws a Failure if the stack has no such queue. */
export async function requestApproval(
  { sqs, names }: Connection,
  request: ApprovalRequest,
): Promise<string | undefined> {
  const { approvalQueueUrl: QueueUrl } = names;
  if (QueueUrl === undefined)
    throw new Failure(
      'This Batchdrop has no approval queue, because its version is older than the version of this command. Deploy it again.',
    );
  const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(request) }));
  return sent.MessageId;
}

/** Throws a Failure that says why, if an approval of the job would have no effect. */
export function refuseUnapprovable(job: Job): void {
  const { jobId, status } = job;
  if (job.status === 'joined')
    throw new Failure(
      `Job ${jobId} has nothing to approve: the same bytes are job ${job.joinedJobId}. To approve that job: batchdrop approve ${job.joinedJobId}`,
    );
  if (isOver(job))
    throw new Failure(
      `Job ${jobId} cannot be approved any more: its status is ${status}. To run the file, upload it again.`,
    );
  if (job.cancelRequestedAt !== undefined)
    throw new Failure(
      `Job ${jobId} cannot be approved any more: it is being cancelled. To run the file, upload it again.`,
    );
}
