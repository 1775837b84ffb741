import type { RowCounts } from '../../../functions/shared/contract/events.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { shortId } from '../../terminal/short-id.ts';

/** Returns the command that runs rows of an ended job again, with the option without which it would run none. */
export function retryCommand(
  { jobId, refusedRows = 0 }: Job,
  { total, succeeded, missing }: RowCounts,
): string {
  const command = `batchdrop retry ${shortId(jobId)}`;
  if (total - succeeded - missing - refusedRows > 0) return command;
  return `${command} ${missing > 0 ? '--missing' : '--all'}`;
}
