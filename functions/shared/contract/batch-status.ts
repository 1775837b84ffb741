/** The eight statuses OpenAI gives a batch, in their usual order ([source](https://platform.openai.com/docs/guides/batch)). */
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

/** One of OpenAI's eight statuses of a batch. */
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** What an event may carry: the eight, and any status an API comes up with later. */
export type ReportedBatchStatus = BatchStatus | (string & Record<never, never>);

const ENDED: ReadonlySet<string> = new Set(['failed', 'completed', 'expired', 'cancelled']);

/** True once nothing more will happen to a batch. An unknown status is not an end. */
export function hasEnded(status: ReportedBatchStatus): boolean {
  return ENDED.has(status);
}

/**
 * The published statuses of a job, one request file. `joined` means that the same bytes are already under way or done
 * as another job; the others follow accepted → submitted → one of completed, failed, expired, cancelled. A job that is held
 * is unapproved before it is accepted.
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

/** One of the published statuses of a job. */
export type JobStatus = (typeof JOB_STATUSES)[number];
