import type { WaitingFor } from '../contract/events.ts';

/** Limits that were set; parts are held back so that they are kept. */
export interface BatchLimits {
  /** Input tokens of all open batches of a model, by its name. */
  enqueuedTokens: Record<string, number>;
  /** Open batches of this Batchdrop. */
  maxOpenBatches?: number;
}

/** What a part of the model has to wait for before it may begin; undefined: it may at once. */
export function mustWaitFor(
  { enqueuedTokens, maxOpenBatches }: BatchLimits,
  model: string,
): WaitingFor | undefined {
  if (Object.hasOwn(enqueuedTokens, model)) return 'enqueued_tokens';
  return maxOpenBatches === undefined ? undefined : 'open_batches';
}

/** Whether anything is limited. */
export function areSet({ enqueuedTokens, maxOpenBatches }: BatchLimits): boolean {
  return maxOpenBatches !== undefined || Object.keys(enqueuedTokens).length > 0;
}
