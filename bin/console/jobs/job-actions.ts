import type { ActionAnswer, RetryRequest } from '../../../console/api.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { bucketsOf } from '../../connection/buckets.ts';
import type { Connection } from '../../connection/connection.ts';
import { planCancel } from '../../jobs/cancel-outcome.ts';
import { refuseUnapprovable, requestApproval } from '../../jobs/request-approval.ts';
import { requestCancel } from '../../jobs/request-cancel.ts';
import { retryQuestion, retryRefusal } from '../../jobs/retry/retry-text.ts';
import { planRetry, sendRetry } from '../../jobs/retry-job.ts';
import { counted } from '../../terminal/amounts.ts';
import { Failure } from '../../terminal/failure.ts';
import { BadRequest } from '../http/answers.ts';

/** Requests to cancel a job, unless it has ended. Errors: those of the ledger and of SQS. */
export async function cancelJob(connection: Connection, job: Job): Promise<ActionAnswer> {
  const plan = await tooLate(() => planCancel(connection, { id: job.jobId, key: undefined }));
  if ('outcome' in plan) return plan;
  await requestCancel(connection, plan.request);
  return { outcome: 'done', message: 'Cancel requested. You get the results of the rows that ran.' };
}

/** Approves a job that is held. Errors: those of SQS. */
export async function approveJob(connection: Connection, job: Job): Promise<ActionAnswer> {
  const refused = await tooLate(async () => refuseUnapprovable(job));
  if (refused) return refused;
  await requestApproval(connection, { jobId: job.jobId });
  return { outcome: 'done', message: 'Approval requested. Batchdrop sends the job within a minute.' };
}

/** Returns what the work returns, or why it is too late for it. */
async function tooLate<T>(work: () => Promise<T>): Promise<T | ActionAnswer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure) return { outcome: 'too_late', message: error.message };
    throw error;
  }
}

/** Sends the rows of an ended job again, or says what would be sent. Errors: BadRequest; a Failure; those of S3. */
export async function retryJob(
  connection: Connection,
  job: Job,
  body: Readonly<Record<string, unknown>>,
): Promise<ActionAnswer> {
  const { rows, confirmed } = retryRequestIn(body);
  const plan = await planRetry({ ...bucketsOf(connection), ledger: connection.ledger }, job, rows);
  try {
    if (!plan.file) return { outcome: 'too_late', message: retryRefusal(plan).sentence };
    if (!confirmed)
      return {
        outcome: 'question',
        message: retryQuestion(plan)
          .lines.map((line) => line.trim())
          .join('\n'),
      };
    const { jobId } = await sendRetry(connection, plan);
    return {
      outcome: 'done',
      message: `${counted(plan.rows, 'row runs', 'rows run')} again as ${plan.key}.`,
      jobId,
    };
  } finally {
    plan.discard();
  }
}

function retryRequestIn({ rows, confirmed }: Readonly<Record<string, unknown>>): RetryRequest {
  if ((rows === 'default' || rows === 'missing' || rows === 'all') && typeof confirmed === 'boolean')
    return { rows, confirmed };
  throw new BadRequest(
    400,
    'bad_retry',
    'State which rows to retry (default, missing or all) and confirmed.',
  );
}
