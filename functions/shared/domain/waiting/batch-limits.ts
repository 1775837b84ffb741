import type { WaitingFor } from '../../contract/events.ts';
import type { Budget } from '../money/budget.ts';
import type { Shares } from './shares.ts';

/** The configured limits. Parts wait for admission while a limit leaves no capacity. */
export interface BatchLimits {
  /** The maximum input tokens of all open batches of a model, by the model's name. */
  enqueuedTokens: Record<string, number>;
  /** The maximum number of open batches of this Batchdrop. */
  maxOpenBatches?: number;
  /** Whose turn it is among the parts that wait; absent: the oldest job's. */
  shares?: Shares;
  /** What may be spent. With a budget, every part waits for admission. */
  budget?: Budget;
}

/** Returns what a part of the model has to wait for; undefined when it may begin at once. */
export function mustWaitFor({ budget, ...limits }: BatchLimits, model: string): WaitingFor | undefined {
  return capacityFor(limits, model) ?? (budget ? 'budget' : undefined);
}

/** Returns which limit a part of the model may have to wait for; undefined when there is none. */
export function capacityFor(
  { enqueuedTokens, maxOpenBatches }: BatchLimits,
  model: string,
): WaitingFor | undefined {
  if (Object.hasOwn(enqueuedTokens, model)) return 'enqueued_tokens';
  return maxOpenBatches === undefined ? undefined : 'open_batches';
}

/** Returns whether any limit is set. */
export function areSet({ enqueuedTokens, maxOpenBatches, budget }: BatchLimits): boolean {
  return maxOpenBatches !== undefined || budget !== undefined || Object.keys(enqueuedTokens).length > 0;
}
