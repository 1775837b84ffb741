import type { Hold } from '../../functions/shared/domain/job.ts';
import type { JobSummary } from '../../functions/shared/domain/job-summary.ts';
import { momentShown } from '../terminal/amounts.ts';
import { costText } from '../terminal/estimate-text.ts';
import { shortId } from '../terminal/short-id.ts';

/** Returns until when a job is held, how to approve it, what it may cost if that is known, and why it is held. */
export function heldSentence(
  jobId: string,
  { reason, until }: Hold,
  estimate?: JobSummary['estimate'],
  isSimulated = false,
): string {
  const how = `held until ${momentShown(until)}${isSimulated ? ' (simulated)' : ''}, to approve: batchdrop approve ${shortId(jobId)}`;
  const cost = estimate && costText(estimate);
  return [how, ...(cost === undefined ? [] : [cost]), reason.message].join('; ');
}
