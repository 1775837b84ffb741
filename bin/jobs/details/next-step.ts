import { isOver, type Job } from '../../../functions/shared/domain/job.ts';
import { delayOf, stalledReasonOf } from '../../../functions/shared/domain/ledger-records.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { isAtItsEnd } from '../../../functions/shared/domain/part-end.ts';
import { counted, momentShown } from '../../terminal/amounts.ts';
import { waitingFor } from '../../terminal/event-line.ts';
import { shortId } from '../../terminal/short-id.ts';
import { retryCommand } from './retry-command.ts';
import { PAUSED, stallEnd, waitEnd } from './wait-end.ts';

/** Returns what happens next with a job, or which command ends its wait: a sentence or two. */
export function nextStepOf(job: Job, parts: readonly Part[], paused: boolean): string {
  return isOver(job) ? afterTheEnd(job) : whileOpen(job, parts, paused);
}

function whileOpen(job: Job, parts: readonly Part[], paused: boolean): string {
  const id = shortId(job.jobId);
  if (job.cancelRequestedAt !== undefined)
    return `A cancel is requested. The job ends when its batches have ended. To wait for it: batchdrop wait ${id}`;
  const stalled = stallOf(job, parts);
  if (stalled !== undefined) return stalled;
  if (job.hold)
    return `Held until ${momentShown(job.hold.until)}: ${job.hold.reason.message}. To send it: batchdrop approve ${id}`;
  if (job.status === 'received')
    return waitOf(job, parts) ?? `Batchdrop checks the file. To wait for the results: batchdrop wait ${id}`;
  if (paused && parts.some(({ phase }) => isUnsent(phase))) return PAUSED;
  const wait = waitOf(job, parts);
  if (wait !== undefined) return wait;
  const ended = parts.filter(isAtItsEnd).length;
  const running = parts.length === 0 ? '' : `${ended} of ${counted(parts.length, 'part', 'parts')} ended. `;
  return `${running}To wait for the results: batchdrop wait ${id}`;
}

/** Returns whether a pause keeps a part in this phase from being sent. */
function isUnsent(phase: Part['phase']): boolean {
  return ['planned', 'waiting', 'ready', 'uploading', 'uploaded', 'requeued', 'retrying'].includes(phase);
}

function stallOf(job: Job, parts: readonly Part[]): string | undefined {
  for (const item of [job, ...parts]) {
    const reason = stalledReasonOf(item);
    if (!reason) continue;
    const what = item.kind === 'part' ? `Part ${item.number} is stalled` : 'The job is stalled';
    return `${what}: ${withoutStop(reason.message)}. ${sentence(stallEnd(reason, job.jobId))}`;
  }
  return undefined;
}

function waitOf(job: Job, parts: readonly Part[]): string | undefined {
  for (const item of [job, ...parts]) {
    const reason = item.kind === 'part' && item.waiting ? item.waiting.for : delayOf(item)?.for;
    if (reason === undefined) continue;
    const what = item.kind === 'part' && item.parts > 1 ? `Part ${item.number} waits` : 'It waits';
    return `${what}: ${waitingFor(reason)}. ${sentence(waitEnd(reason, job.jobId))}`;
  }
  return undefined;
}

function afterTheEnd(job: Job): string {
  const id = shortId(job.jobId);
  if (job.status === 'joined')
    return `The same bytes are another job, which has the results: batchdrop show ${shortId(job.joinedJobId)}`;
  if (job.status === 'rejected')
    return `Nothing was sent. Fix the lines, and submit the file again. To get all findings: batchdrop results ${id}`;
  if (!job.rows) return 'Nothing was sent. To run the file, submit it again.';
  const left = job.rows.total - job.rows.succeeded;
  const results = `To get the results: batchdrop results ${id}`;
  if (left === 0) return results;
  return `${results}. To run the ${counted(left, 'row', 'rows')} again that did not succeed: ${retryCommand(job, job.rows)}`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
