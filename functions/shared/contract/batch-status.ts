/**
 * OpenAI's eight statuses of a batch, in their usual order ([source](https://platform.openai.com/docs/guides/batch)).
 * @example const open = BATCH_STATUSES.filter((status) => !hasEnded(status));
 */
export const BATCH_STATUSES = [
  'validating',
  'failed',
  'in_progress',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
] as const;

/**
 * One of OpenAI's eight statuses of a batch.
 * @example 'in_progress'
 */
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/**
 * The status in an event: one of the eight, or any status that the API adds later.
 * @example 'a_status_of_tomorrow'
 */
export type ReportedBatchStatus = BatchStatus | (string & Record<never, never>);

const ENDED: ReadonlySet<string> = new Set(['failed', 'completed', 'expired', 'cancelled']);

/**
 * Returns whether nothing more will happen to a batch. An unknown status is not an end.
 * @example
 * hasEnded('expired'); // true
 * hasEnded('a_status_of_tomorrow'); // false
 */
export function hasEnded(status: ReportedBatchStatus): boolean {
  return ENDED.has(status);
}

/**
 * The published statuses of a job. `joined` means that another job runs or ran the same bytes. The others follow the
 * order accepted → submitted → one of completed, failed, expired, cancelled. A job
 * that is held is unapproved before it is accepted.
 * @example const isJobStatus = (text: string) => JOB_STATUSES.some((status) => status === text);
 */
export const JOB_STATUSES = [
  'unapproved',
  'accepted',
  'rejected',
  'joined',
  'submitted',
  'completed',
  'failed',
  'expired',
  'cancelled',
] as const;

/**
 * One of the published statuses of a job.
 * @example 'completed'
 */
export type JobStatus = (typeof JOB_STATUSES)[number];
