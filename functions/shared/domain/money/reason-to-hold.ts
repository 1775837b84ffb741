/**
 * Whether a job is held after its file was planned: nothing is sent before somebody approves it. A job is held if its file
 * asks for it, or if its cost may be above what needs no approval. A cost that nobody can estimate may be.
 */
import type { Reason } from '../../contract/events.ts';
import { HOLD_INSTRUCTION } from '../../contract/request-file.ts';
import { type Amount, amountOf, decimalOf } from './amount.ts';

/** The most that a job may cost, as estimated; or why that is not known. */
export type HighEstimate = { currency: string; high: string } | { unknown: Reason };

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
  estimate?: HighEstimate;
}

const NO_ESTIMATE: Reason = { code: 'cost_unknown', message: 'its cost was not estimated' };

/** Returns why a job is held; undefined when it is not. */
export function reasonToHold(
  { approveAbove }: Pick<HoldPolicy, 'approveAbove'>,
  { isAsked, estimate }: HoldFacts,
): Reason | undefined {
  if (isAsked)
    return { code: 'hold_requested', message: `its file came with x-amz-meta-${HOLD_INSTRUCTION}: yes` };
  if (approveAbove === undefined) return undefined;
  if (!estimate || 'unknown' in estimate) {
    const { code, message } = estimate?.unknown ?? NO_ESTIMATE;
    return { code, message: `its cost may be above ${decimalOf(approveAbove)}: ${message}` };
  }
  const { high, currency } = estimate;
  const mostly = amountOf(high);
  if (mostly !== undefined && mostly <= approveAbove) return undefined;
  const message = `it may cost ${high} ${currency}, which is above ${decimalOf(approveAbove)} ${currency}`;
  return { code: 'above_limit', message };
}
