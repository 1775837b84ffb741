/** What ends each wait, with the command for it: the one place of these sentences. */
import type { Reason, WaitingFor } from '../../../functions/shared/contract/events.ts';
import { ROW_ABOVE_BUDGET } from '../../../functions/shared/domain/money/budget.ts';
import { shortId } from '../../terminal/short-id.ts';

/** To send waiting files after a pause. */
export const PAUSED = 'Submission is paused. To send waiting files: batchdrop resume';

const ENDS: Readonly<Record<WaitingFor, (id: string) => string>> = {
  token_limit: whenBatchesEnd,
  enqueued_tokens: whenBatchesEnd,
  open_batches: whenBatchesEnd,
  budget: (id) => `to send it: batchdrop approve ${id}`,
  price_unknown: (id) => `to send it: batchdrop approve ${id}`,
  account: () => 'to check it: batchdrop doctor',
  storage: () => 'to check it: batchdrop doctor',
  not_visible: (id) => `to wait: batchdrop wait ${id}`,
  unreachable: () => 'to find the cause: batchdrop doctor',
  results: (id) => `to accept them: batchdrop release ${id}`,
};

/**
 * Returns what ends the wait, with a command. It is short, so that a line of 80 columns shows it whole. A later version may have other
 * reasons.
 */
export function waitEnd(reason: WaitingFor, jobId: string): string {
  const id = shortId(jobId);
  return ENDS[reason]?.(id) ?? `to wait: batchdrop wait ${id}`;
}

/** Returns the same for the stall of an item. */
export function stallEnd({ code }: Reason, jobId: string): string {
  const id = shortId(jobId);
  if (code === ROW_ABOVE_BUDGET) return `to send it: batchdrop approve ${id}`;
  if (code === 'tries_used_up') return 'to find the cause: batchdrop doctor';
  return `first check the API, then: batchdrop release ${id}`;
}

function whenBatchesEnd(id: string): string {
  return `to give up: batchdrop cancel ${id}`;
}
