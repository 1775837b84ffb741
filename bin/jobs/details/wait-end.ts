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
  budget: (id) => `to let it pass the budget: batchdrop approve ${id}`,
  price_unknown: (id) => `to let it pass without a price: batchdrop approve ${id}`,
  account: () => 'fix the account at the API, to check it: batchdrop doctor',
  storage: () => 'delete files at the API, to check it: batchdrop doctor',
  not_visible: (id) => `sent once the API finds the file, to follow: batchdrop wait ${id}`,
  unreachable: () => 'to find the cause: batchdrop doctor',
  results: (id) => `to accept the results as they are: batchdrop release ${id}`,
};

/** Returns what ends the wait, with a command, for the end of a line. A later version may have other reasons. */
export function waitEnd(reason: WaitingFor, jobId: string): string {
  const id = shortId(jobId);
  return ENDS[reason]?.(id) ?? `to follow: batchdrop wait ${id}`;
}

/** Returns what ends the stall of an item, with a command. */
export function stallEnd({ code }: Reason, jobId: string): string {
  const id = shortId(jobId);
  if (code === ROW_ABOVE_BUDGET) return `to let it pass the budget: batchdrop approve ${id}`;
  if (code === 'tries_used_up') return 'to find the cause: batchdrop doctor';
  return `search for its batch at the API, then: batchdrop release ${id}`;
}

function whenBatchesEnd(id: string): string {
  return `sent as running batches end, to give it up: batchdrop cancel ${id}`;
}
