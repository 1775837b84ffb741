import type { ActionAnswer } from '../../../console/api.ts';
import { isOver, type Job } from '../../../functions/shared/domain/job.ts';
import type { Connection } from '../../connection/connection.ts';
import { refuseUnapprovable, requestApproval } from '../../jobs/request-approval.ts';
import { requestCancel } from '../../jobs/request-cancel.ts';
import { Failure } from '../../terminal/failure.ts';

/** Requests to cancel a job, unless it has ended. Errors: those of SQS. */
export async function cancelJob(connection: Connection, job: Job): Promise<ActionAnswer> {
  if (isOver(job))
    return { outcome: 'too_late', message: `The job has already ended: its status is ${job.status}.` };
  await requestCancel(connection, { jobId: job.jobId });
  return { outcome: 'done', message: 'Cancel requested. You get the results of the rows that ran.' };
}

/** Approves a job that is held. Errors: those of SQS. */
export async function approveJob(connection: Connection, job: Job): Promise<ActionAnswer> {
  try {
    refuseUnapprovable(job);
  } catch (error) {
    if (error instanceof Failure) return { outcome: 'too_late', message: error.message };
    throw error;
  }
  await requestApproval(connection, { jobId: job.jobId });
  return { outcome: 'done', message: 'Approval requested. Batchdrop sends the job within a minute.' };
}
