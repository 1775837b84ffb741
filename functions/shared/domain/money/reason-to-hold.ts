/**
 * Whether a job is held after its file was planned: nothing is sent before somebody approves it. A job is held if its file
 * asks for it, or if its cost may be above what needs no approval. A cost that nobody can estimate may be.
 */
import type { JobEstimate, Reason } from '../../contract/events.ts';
import { HOLD_INSTRUCTION } from '../../contract/request-file.ts';
import { type Amount, amountOf, decimalOf } from './amount.ts';

/** Which jobs are held, and for how long. */
export interface HoldPolicy {
  /** What a job may cost without an approval. Absent: any amount. */
  approveAbove?: Amount;
  /** A job that is not approved within this time is cancelled, in milliseconds. */
  expiresAfterMs: number;
}

/** What decides whether a job is held. `isAsked`: its file came with the instruction. */
interface HoldFacts {
  isAsked: boolean;
  estimate?: JobEstimate | undefined;
}

/** Returns why a job is held; undefined when it is not. */
export function reasonToHold(
  { approveAbove }: Pick<HoldPolicy, 'approveAbove'>,
  { isAsked, estimate }: HoldFacts,
): Reason | undefined {
  if (isAsked)
    return { code: 'hold_requested', message: `its file came with x-amz-meta-${HOLD_INSTRUCTION}: yes` };
  if (approveAbove === undefined) return undefined;
  if (!estimate?.cost?.high) return heldForWant(estimate, approveAbove);
  const { high } = estimate.cost;
  const most = amountOf(high);
  if (most !== undefined && most <= approveAbove) return undefined;
  const { currency } = estimate;
  const message = `it may cost ${high} ${currency}, which is above ${decimalOf(approveAbove)} ${currency}`;
  return { code: 'above_limit', message };
}

/** Returns the reason for a job whose cost has no upper bound. */
function heldForWant(estimate: JobEstimate | undefined, approveAbove: Amount): Reason {
  const may = `its cost may be above ${decimalOf(approveAbove)}`;
  if (!estimate) return { code: 'cost_unknown', message: `${may}: it was not estimated` };
  if (estimate.cost)
    return {
      code: 'output_unbounded',
      message: `${may}: rows set no limit for their output, such as max_tokens, and no batch of such rows was measured`,
    };
  const unpriced = estimate.models.first.filter(({ price }) => price === 'unknown').map(({ model }) => model);
  return { code: 'price_unknown', message: `${may}: no price is known for ${unpriced.join(', ')}` };
}
