import type { Hold } from '../../functions/shared/domain/job.ts';
import { momentShown } from '../terminal/amounts.ts';

const SHOWN_ID = 8; // characters; enough for one job of a billion, and a narrow terminal shows the whole command

/** Returns until when a job is held, how to approve it, and why it is held. */
export function heldSentence(jobId: string, { reason, until }: Hold): string {
  return `held until ${momentShown(until)}, to approve: batchdrop approve ${jobId.slice(0, SHOWN_ID)}; ${reason.message}`;
}
