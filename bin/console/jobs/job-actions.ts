import type { ActionAnswer, RetryRequest } from '../../../console/api.ts';
import { isOver, type Job } from '../../../functions/shared/domain/job.ts';
import { bucketsOf } from '../../connection/buckets.ts';
import type { Connection } from '../../connection/connection.ts';
import { refuseUnapprovable, requestApproval } from '../../jobs/request-approval.ts';
import { requestCancel } from '../../jobs/request-cancel.ts';
import { planRetry, type RetryPlan, sendRetry } from '../../jobs/retry-job.ts';
import { counted, grouped } from '../../terminal/amounts.ts';
import { estimateText } from '../../terminal/estimate-text.ts';
import { Failure } from '../../terminal/failure.ts';
import { BadRequest } from '../http/answers.ts';

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

/** Sends the rows of an ended job again, or says what would be sent. Errors: BadRequest; a Failure; those of S3. */
export async function retryJob(
  connection: Connection,
  job: Job,
  body: Readonly<Record<string, unknown>>,
): Promise<ActionAnswer> {
  const { rows, confirmed } = retryRequestIn(body);
  const plan = await planRetry({ ...bucketsOf(connection), ledger: connection.ledger }, job, rows);
  try {
    if (!plan.file) return { outcome: 'too_late', message: `No row runs again. ${leftText(plan)}`.trim() };
    if (!confirmed) return { outcome: 'question', message: questionText(plan) };
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

function questionText(plan: RetryPlan): string {
  const billed =
    plan.maybeBilled === 0
      ? ''
      : ` The API may have run and billed ${grouped(plan.maybeBilled)} of them before.`;
  const cost = plan.file ? ` ${estimateText(plan.file.estimate)}.` : '';
  return `${counted(plan.rows, 'row runs', 'rows run')} again as ${plan.key}.${billed}${cost} ${leftText(plan)}`.trim();
}

function leftText({ left, taken }: RetryPlan): string {
  const parts = [
    ...(left.refused > 0 ? [`${counted(left.refused, 'row was', 'rows were')} refused by the API`] : []),
    ...(left.missing > 0 ? [`${counted(left.missing, 'row has', 'rows have')} no result`] : []),
    ...(taken > 0 ? [`${counted(taken, 'row runs', 'rows run')} in an earlier retry`] : []),
  ];
  return parts.length === 0 ? '' : `Not among them: ${parts.join('; ')}.`;
}
