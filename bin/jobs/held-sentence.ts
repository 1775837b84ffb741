import type { Hold } from '../../functions/shared/domain/job.ts';
import { momentShown } from '../terminal/amounts.ts';

/** Returns why a job is held, until when, and how to approve it. */
export function heldSentence(jobId: string, { reason, until }: Hold): string {
  return `${reason.message}; until ${momentShown(until)}. To approve: batchdrop approve ${jobId}`;
}
